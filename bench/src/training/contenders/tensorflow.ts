import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installGPU } from '@hyb/adapter';
import { build } from 'esbuild';
import { versionOfPeer } from '../../kernels/peers.js';
import type { Contender, Task } from '../../rounds/contender.js';
import { ADAMW, batchOf, initial, Losses } from '../cases.js';
import type { TransformerSizes } from '../cases.js';

/** The part of TensorFlow.js that is used here. */
interface Tensor {
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}
interface TensorFlow {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tidy<T>(f: () => T): T;
  tensor(values: ArrayLike<number>, shape: readonly number[], dtype?: string): Tensor;
  variable(value: Tensor): Tensor;
  ones(shape: readonly number[]): Tensor;
  oneHot(indices: Tensor, depth: number): Tensor;
  cast(x: Tensor, dtype: string): Tensor;
  gather(x: Tensor, indices: Tensor): Tensor;
  matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;
  add(a: Tensor, b: Tensor | number): Tensor;
  sub(a: Tensor, b: Tensor | number): Tensor;
  mul(a: Tensor, b: Tensor | number): Tensor;
  mean(x: Tensor, axis: number, keepDims: boolean): Tensor;
  sum(x: Tensor): Tensor;
  square(x: Tensor): Tensor;
  rsqrt(x: Tensor): Tensor;
  relu(x: Tensor): Tensor;
  softmax(x: Tensor): Tensor;
  logSoftmax(x: Tensor): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  transpose(x: Tensor, permutation: readonly number[]): Tensor;
  unstack(x: Tensor, axis: number): Tensor[];
  readonly linalg: { bandPart(x: Tensor, lower: number, upper: number): Tensor };
  readonly train: {
    adam(
      rate: number,
      beta1: number,
      beta2: number,
      eps: number,
    ): {
      minimize(loss: () => Tensor, returnCost: true): Tensor;
    };
  };
}

const folder = fileURLToPath(new URL('../../../peers/', import.meta.url));

/** TensorFlow.js on WebGPU: `minimize` of Adam, which has no weight decay there. */
export async function tensorflowTraining(): Promise<Contender> {
  await installGPU();
  const tf = (await import(await bundled())) as TensorFlow;
  if (!(await tf.setBackend('webgpu'))) throw new Error('TensorFlow.js found no WebGPU');
  await tf.ready();
  return {
    version: await versionOfPeer('@tensorflow/tfjs-core'),
    prepare: (c) => Promise.resolve(c.kind === 'training' && c.transformer ? training(tf, c.transformer) : undefined),
  };
}

/** Its modules with the gradients are written for bundlers. */
async function bundled(): Promise<string> {
  const out = `${folder}node_modules/.cache`;
  mkdirSync(out, { recursive: true });
  const outfile = `${out}/tensorflow.mjs`;
  await build({
    entryPoints: [`${folder}tensorflow.js`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'error',
  });
  return outfile;
}

function training(tf: TensorFlow, sizes: TransformerSizes): Task {
  const { rate, betas, eps } = ADAMW;
  const loss = lossOf(tf, sizes);
  const optimizer = tf.train.adam(rate, ...betas, eps);
  const losses = new Losses();
  return {
    amount: 1,
    async run(repetitions) {
      for (let i = 0; i < repetitions; i++) {
        const cost = optimizer.minimize(loss, true);
        losses.add((await cost.data())[0]!);
        cost.dispose();
      }
    },
  };
}

function lossOf(tf: TensorFlow, sizes: TransformerSizes): () => Tensor {
  const { vocab, width, inner, layers, heads, sequences, length } = sizes;
  const [rows, depth] = [sequences * length, width / heads];
  let seed = 1;
  const matrix = (down: number, across: number): Tensor =>
    tf.variable(tf.tensor(initial(down * across, seed++), [down, across]));
  const ones = (): Tensor => tf.variable(tf.ones([width]));
  const embedding = matrix(vocab, width);
  const stack = Array.from({ length: layers }, () => ({
    before: ones(),
    qkv: matrix(width, 3 * width),
    out: matrix(width, width),
    between: ones(),
    up: matrix(width, inner),
    down: matrix(inner, width),
  }));
  const [last, head] = [ones(), matrix(width, vocab)];
  const batch = batchOf(sizes);
  const x = tf.tensor(batch.x, [rows], 'int32');
  const labels = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor(batch.y, [rows], 'int32'), vocab), 'float32'));
  // 0 where a token sees another one, -1e9 where it does not.
  const mask = tf.tidy(() => tf.mul(tf.sub(tf.linalg.bandPart(tf.ones([length, length]), -1, 0), 1), 1e9));
  const norm = (h: Tensor, weight: Tensor): Tensor =>
    tf.mul(tf.mul(h, tf.rsqrt(tf.add(tf.mean(tf.square(h), -1, true), 1e-5))), weight);
  return () => {
    let stream = tf.gather(embedding, x);
    for (const { before, qkv, out, between, up, down } of stack) {
      const projected = tf.reshape(tf.matMul(norm(stream, before), qkv), [sequences, length, 3, heads, depth]);
      const [q, k, v] = tf.unstack(tf.transpose(projected, [2, 0, 3, 1, 4]), 0) as [Tensor, Tensor, Tensor];
      const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(depth)), mask);
      const attended = tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]);
      stream = tf.add(stream, tf.matMul(tf.reshape(attended, [rows, width]), out));
      const hidden = tf.square(tf.relu(tf.matMul(norm(stream, between), up)));
      stream = tf.add(stream, tf.matMul(hidden, down));
    }
    const logits = tf.matMul(norm(stream, last), head);
    return tf.mul(tf.sum(tf.mul(tf.logSoftmax(logits), labels)), -1 / rows);
  };
}
