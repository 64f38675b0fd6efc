import { installGPU } from '@hyb/adapter';
import { peer, versionOfPeer } from '../../kernels/peers.js';
import type { Contender, Task } from '../../rounds/contender.js';
import { ADAMW, batchOf, initial, Losses } from '../cases.js';
import type { TransformerSizes } from '../cases.js';

/** The part of jax-js that is used here. Arrays are consumed by what they are passed to, unless passed as `ref`. */
interface JaxArray {
  readonly ref: JaxArray;
  readonly shape: readonly number[];
  add(other: JaxArray | number): JaxArray;
  sub(other: JaxArray | number): JaxArray;
  mul(other: JaxArray | number): JaxArray;
  div(other: JaxArray | number): JaxArray;
  sum(): JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}
type Layer = Readonly<Record<'before' | 'qkv' | 'out' | 'between' | 'up' | 'down', JaxArray>>;
interface Parameters {
  readonly embedding: JaxArray;
  readonly layers: readonly Layer[];
  readonly last: JaxArray;
  readonly head: JaxArray;
}
interface Tree {
  ref<T>(tree: T): T;
  flatten(tree: unknown): [JaxArray[], object];
  leaves(tree: unknown): JaxArray[];
  unflatten<T>(definition: object, leaves: readonly JaxArray[]): T;
  map<T>(f: (array: JaxArray) => JaxArray, tree: T): T;
}
interface Jax {
  init(...devices: string[]): Promise<readonly string[]>;
  defaultDevice(device: string): string;
  jit<F>(f: F): F;
  valueAndGrad<A extends unknown[]>(
    f: (parameters: Parameters, ...rest: A) => JaxArray,
  ): (parameters: Parameters, ...rest: A) => [JaxArray, Parameters];
  readonly tree: Tree;
  readonly nn: {
    relu(x: JaxArray): JaxArray;
    logSoftmax(x: JaxArray, axis: number): JaxArray;
    oneHot(x: JaxArray, classes: number): JaxArray;
    dotProductAttention(q: JaxArray, k: JaxArray, v: JaxArray, options: { readonly isCausal: boolean }): JaxArray;
  };
  readonly numpy: {
    array(values: ArrayLike<number>): JaxArray;
    ones(shape: readonly number[]): JaxArray;
    zeros(shape: readonly number[]): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    mean(x: JaxArray, axis: number, options: { readonly keepdims: boolean }): JaxArray;
    square(x: JaxArray): JaxArray;
    sqrt(x: JaxArray): JaxArray;
    split(x: JaxArray, sections: number, axis: number): JaxArray[];
    take(x: JaxArray, indices: JaxArray, axis: number): JaxArray;
  };
}

/** jax-js on WebGPU: loss, gradients and AdamW in one function under `jit`. */
export async function jaxTraining(): Promise<Contender> {
  await installGPU();
  addIteratorHelpers();
  const api = (await peer('jax')) as Jax;
  const devices = await api.init('webgpu');
  if (!devices.includes('webgpu')) throw new Error('jax-js found no WebGPU');
  api.defaultDevice('webgpu');
  return {
    version: await versionOfPeer('@jax-js/jax'),
    prepare: (c) => Promise.resolve(c.kind === 'training' && c.transformer ? training(api, c.transformer) : undefined),
  };
}

/** It uses some that Node has from version 22 on. */
function addIteratorHelpers(): void {
  const prototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as Record<string, unknown>;
  prototype['map'] ??= function* (this: Iterable<unknown>, f: (value: unknown, index: number) => unknown) {
    let i = 0;
    for (const value of this) yield f(value, i++);
  };
  prototype['filter'] ??= function* (this: Iterable<unknown>, f: (value: unknown, index: number) => unknown) {
    let i = 0;
    for (const value of this) if (f(value, i++)) yield value;
  };
  prototype['toArray'] ??= function (this: Iterable<unknown>) {
    return [...this];
  };
}

function training(api: Jax, sizes: TransformerSizes): Task {
  const { numpy, tree } = api;
  let parameters = parametersOf(api, sizes);
  let first = tree.map(({ shape }) => numpy.zeros(shape), parameters);
  let second = tree.map(({ shape }) => numpy.zeros(shape), parameters);
  const batch = batchOf(sizes);
  const [x, y] = [numpy.array(Int32Array.from(batch.x)), numpy.array(Int32Array.from(batch.y))];
  const update = stepOf(api, sizes);
  const losses = new Losses();
  let step = 0;
  return {
    amount: 1,
    async run(repetitions) {
      for (let i = 0; i < repetitions; i++) {
        step++;
        const corrections = ADAMW.betas.map((beta) => numpy.array([1 / (1 - beta ** step)])) as [JaxArray, JaxArray];
        let loss;
        [loss, parameters, first, second] = update(parameters, first, second, ...corrections, x.ref, y.ref);
        losses.add((await loss.data())[0]!);
      }
    },
  };
}

function parametersOf({ numpy }: Jax, { vocab, width, inner, layers }: TransformerSizes): Parameters {
  let seed = 1;
  const matrix = (rows: number, columns: number): JaxArray =>
    numpy.array(initial(rows * columns, seed++)).reshape([rows, columns]);
  return {
    embedding: matrix(vocab, width),
    layers: Array.from({ length: layers }, () => ({
      before: numpy.ones([width]),
      qkv: matrix(width, 3 * width),
      out: matrix(width, width),
      between: numpy.ones([width]),
      up: matrix(width, inner),
      down: matrix(inner, width),
    })),
    last: numpy.ones([width]),
    head: matrix(width, vocab),
  };
}

function lossOf(api: Jax, sizes: TransformerSizes) {
  const { numpy, nn } = api;
  const { vocab, width, heads, sequences, length } = sizes;
  const rows = sequences * length;
  const norm = (x: JaxArray, weight: JaxArray): JaxArray => {
    const mean = numpy.mean(numpy.square(x.ref), -1, { keepdims: true });
    return x.div(numpy.sqrt(mean.add(1e-5))).mul(weight);
  };
  return (parameters: Parameters, x: JaxArray, y: JaxArray): JaxArray => {
    let stream = numpy.take(parameters.embedding, x, 0);
    for (const { before, qkv, out, between, up, down } of parameters.layers) {
      const projected = numpy
        .matmul(norm(stream.ref, before), qkv)
        .reshape([sequences, length, 3 * heads, width / heads]);
      const [q, k, v] = numpy.split(projected, 3, 2) as [JaxArray, JaxArray, JaxArray];
      const attended = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([rows, width]);
      stream = stream.add(numpy.matmul(attended, out));
      const hidden = numpy.square(nn.relu(numpy.matmul(norm(stream.ref, between), up)));
      stream = stream.add(numpy.matmul(hidden, down));
    }
    const logits = numpy.matmul(norm(stream, parameters.last), parameters.head);
    return nn
      .logSoftmax(logits, -1)
      .mul(nn.oneHot(y, vocab))
      .sum()
      .mul(-1 / rows);
  };
}

function stepOf(api: Jax, sizes: TransformerSizes) {
  const { numpy, tree, jit, valueAndGrad } = api;
  const { rate, betas, eps, decay } = ADAMW;
  const differentiated = valueAndGrad(lossOf(api, sizes));
  return jit(
    (
      parameters: Parameters,
      first: Parameters,
      second: Parameters,
      firstCorrection: JaxArray,
      secondCorrection: JaxArray,
      x: JaxArray,
      y: JaxArray,
    ): [JaxArray, Parameters, Parameters, Parameters] => {
      const [loss, gradients] = differentiated(tree.ref(parameters), x, y);
      const [values, definition] = tree.flatten(parameters);
      const [g, m, v] = [tree.leaves(gradients), tree.leaves(first), tree.leaves(second)];
      const updated = values.map((value, i) => {
        const m1 = m[i]!.mul(betas[0]).add(g[i]!.ref.mul(1 - betas[0]));
        const v1 = v[i]!.mul(betas[1]).add(numpy.square(g[i]!).mul(1 - betas[1]));
        const direction = m1.ref.mul(firstCorrection.ref).div(numpy.sqrt(v1.ref.mul(secondCorrection.ref)).add(eps));
        const decayed = value.shape.length > 1 ? direction.add(value.ref.mul(decay)) : direction;
        return [value.sub(decayed.mul(rate)), m1, v1] as const;
      });
      firstCorrection.dispose();
      secondCorrection.dispose();
      const part = (of: 0 | 1 | 2): Parameters =>
        tree.unflatten(
          definition,
          updated.map((each) => each[of]),
        );
      return [loss, part(0), part(1), part(2)];
    },
  );
}
