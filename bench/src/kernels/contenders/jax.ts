import { installGPU } from '@hyb/adapter';
import { checkResult, inputs, operationsOf } from '../cases.js';
import type { LinearCase } from '../cases.js';
import type { BenchCase, Contender, Task } from '../../rounds/contender.js';
import { peer, versionOfPeer } from '../peers.js';

/** The part of jax-js that is used here. Arrays are consumed by what they are passed to, unless passed as `ref`. */
interface JaxArray {
  readonly ref: JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  data(): Promise<Float32Array>;
  dispose(): void;
}
interface Jax {
  init(...devices: string[]): Promise<readonly string[]>;
  defaultDevice(device: string): string;
  blockUntilReady(arrays: readonly JaxArray[]): Promise<unknown>;
  jit<F>(f: F): F;
  readonly numpy: {
    array(values: Float32Array): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    matrixTranspose(a: JaxArray): JaxArray;
  };
}

/** jax-js on WebGPU: `matmul` under `jit`, with W (always f32) in the layout that is faster for it. */
export async function jax(): Promise<Contender> {
  await installGPU();
  const api = (await peer('jax')) as Jax;
  const devices = await api.init('webgpu');
  if (!devices.includes('webgpu')) throw new Error('jax-js found no WebGPU');
  api.defaultDevice('webgpu');
  return { version: await versionOfPeer('@jax-js/jax'), prepare: (c) => prepare(api, c) };
}

async function prepare(api: Jax, c: BenchCase): Promise<Task | undefined> {
  if (c.kind !== 'linear') return undefined;
  const layouts = [await multiply(api, c, true), await multiply(api, c, false)];
  const times: number[] = [];
  for (const layout of layouts) {
    await layout.run(1);
    const start = performance.now();
    await layout.run(1);
    times.push(performance.now() - start);
  }
  const best = times[0]! <= times[1]! ? 0 : 1;
  layouts[1 - best]!.dispose?.();
  return layouts[best]!;
}

async function multiply(api: Jax, c: LinearCase, transposed: boolean): Promise<Task> {
  const { numpy, jit, blockUntilReady } = api;
  const data = inputs(c);
  const x = numpy.array(data.x).reshape([c.rows, c.columns]);
  const w = transposed
    ? numpy.array(data.w).reshape([c.outputs, c.columns])
    : numpy.array(transpose(c, data.w)).reshape([c.columns, c.outputs]);
  await blockUntilReady([x, w]);
  const f = jit((a: JaxArray, b: JaxArray) => numpy.matmul(a, transposed ? numpy.matrixTranspose(b) : b));
  checkResult(c, data, await f(x.ref, w.ref).data());
  return {
    amount: operationsOf(c),
    run: async (repetitions) => {
      const results = Array.from({ length: repetitions }, () => f(x.ref, w.ref));
      await blockUntilReady(results);
      for (const result of results) result.dispose();
    },
    dispose: () => {
      x.dispose();
      w.dispose();
    },
  };
}

export function transpose({ outputs, columns }: LinearCase, w: Float32Array): Float32Array {
  const result = new Float32Array(w.length);
  for (let o = 0; o < outputs; o++) for (let k = 0; k < columns; k++) result[k * outputs + o] = w[o * columns + k]!;
  return result;
}
