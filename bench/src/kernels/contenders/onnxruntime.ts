import { installGPU } from '@hyb/adapter';
import { checkResult, inputs, operationsOf } from '../cases.js';
import type { LinearCase } from '../cases.js';
import type { BenchCase, Contender, Task } from '../../rounds/contender.js';
import { storageBuffer } from '../../limits/gpu.js';
import { onnxModel } from '../onnx-model.js';
import { peer, versionOfPeer } from '../peers.js';
import { transpose } from './jax.js';

/** The part of ONNX Runtime Web that is used here. */
interface OrtTensor {
  getData(): Promise<Float32Array>;
  dispose(): void;
}
interface Ort {
  readonly env: {
    readonly wasm: { numThreads: number };
    readonly webgpu: { readonly device: Promise<GPUDevice> };
    logLevel: string;
  };
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options: object,
    ): Promise<{ run(feeds: object): Promise<{ readonly y: OrtTensor }>; release(): Promise<void> }>;
  };
  readonly Tensor: { fromGpuBuffer(buffer: GPUBuffer, options: object): OrtTensor };
}

/** ONNX Runtime Web's WebGPU backend: `MatMul`, or `Gemm` with W (always f32) transposed, whichever is faster. */
export async function onnxruntime(): Promise<Contender> {
  await installGPU();
  acceptSharedViews();
  const ort = (await peer('onnxruntime')) as Ort;
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  return { version: await versionOfPeer('onnxruntime-web'), prepare: (c) => prepare(ort, c) };
}

/** It passes views of a SharedArrayBuffer, which browsers take and Dawn for Node does not. Uploads are not timed. */
function acceptSharedViews(): void {
  const { prototype } = globalThis.GPUQueue;
  const original = prototype.writeBuffer;
  prototype.writeBuffer = function (
    this: GPUQueue,
    buffer: GPUBuffer,
    offset: number,
    data: ArrayBuffer | ArrayBufferView<ArrayBuffer>,
    start = 0,
    size?: number,
  ) {
    const view: ArrayBufferView = ArrayBuffer.isView(data) ? data : new Uint8Array(data);
    if (!(view.buffer instanceof SharedArrayBuffer)) {
      original.call(this, buffer, offset, data, start, size);
      return;
    }
    const unit = 'BYTES_PER_ELEMENT' in view ? (view as Uint8Array).BYTES_PER_ELEMENT : 1;
    const from = view.byteOffset + start * unit;
    const length = size === undefined ? view.byteLength - start * unit : size * unit;
    original.call(this, buffer, offset, new Uint8Array(view.buffer, from, length).slice());
  };
}

async function prepare(ort: Ort, c: BenchCase): Promise<Task | undefined> {
  if (c.kind !== 'linear') return undefined;
  const ways = [await node(ort, c, 'MatMul'), await node(ort, c, 'Gemm')];
  const times: number[] = [];
  for (const way of ways) {
    const start = performance.now();
    await way.run(1);
    times.push(performance.now() - start);
  }
  const best = times[0]! <= times[1]! ? 0 : 1;
  ways[1 - best]!.dispose?.();
  return ways[best]!;
}

async function node(ort: Ort, c: LinearCase, operator: 'MatMul' | 'Gemm'): Promise<Task> {
  const transposed = operator === 'Gemm';
  const shapes = {
    x: [c.rows, c.columns],
    w: transposed ? [c.outputs, c.columns] : [c.columns, c.outputs],
  };
  const model = onnxModel(
    operator,
    [
      { name: 'x', shape: shapes.x },
      { name: 'w', shape: shapes.w },
    ],
    { name: 'y', shape: [c.rows, c.outputs] },
    transposed ? { transB: 1 } : {},
  );
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['webgpu'],
    preferredOutputLocation: 'gpu-buffer',
  });
  const device = await ort.env.webgpu.device;
  const data = inputs(c);
  const buffers = {
    x: storageBuffer(device, data.x),
    w: storageBuffer(device, transposed ? data.w : transpose(c, data.w)),
  };
  const tensor = (name: 'x' | 'w'): OrtTensor =>
    ort.Tensor.fromGpuBuffer(buffers[name], { dataType: 'float32', dims: shapes[name] });
  const feeds = { x: tensor('x'), w: tensor('w') };
  const first = await session.run(feeds);
  checkResult(c, data, await first.y.getData());
  first.y.dispose();
  return {
    amount: operationsOf(c),
    run: async (repetitions) => {
      const results: OrtTensor[] = [];
      for (let i = 0; i < repetitions; i++) results.push((await session.run(feeds)).y);
      await device.queue.onSubmittedWorkDone();
      for (const result of results) result.dispose();
    },
    dispose: () => {
      void session.release();
      buffers.x.destroy();
      buffers.w.destroy();
    },
  };
}
