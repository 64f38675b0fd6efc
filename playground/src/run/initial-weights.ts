/** Parameters at random, as each `@init` says: a checkpoint of a model that nobody has trained. */
import type { InitialParameter, Initializer } from '../compiler/protocol.js';

/** Browsers do not give much more to one array. */
export const MOST_BYTES = 2 ** 30;

export const bytesOf = (parameters: readonly InitialParameter[]): number =>
  parameters.reduce((sum, { shape }) => sum + 4 * elementsOf(shape), 0);

const elementsOf = (shape: readonly number[]): number => shape.reduce((n, size) => n * size, 1);

/**
 * A safetensors file with an f32 tensor for each parameter. Equal seeds give equal files.
 *
 * @param layers number of layers, for projections into the residual stream
 * @throws RangeError if it would take more than `MOST_BYTES`
 */
export function initialCheckpoint(parameters: readonly InitialParameter[], layers: number, seed: number): Uint8Array {
  const bytes = bytesOf(parameters);
  if (bytes > MOST_BYTES) throw new RangeError(`Random weights would take ${bytes} bytes.`);
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const { path, shape } of parameters) {
    header[path] = { dtype: 'F32', shape, data_offsets: [end, (end += 4 * elementsOf(shape))] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + padded + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true);
  file.fill(0x20, 8, 8 + padded).set(text, 8);
  let at = 8 + padded;
  for (const { path, shape, init } of parameters) {
    const values = new Float32Array(file.buffer, at, elementsOf(shape));
    const draw = sampler(init, generator(seed, path), layers);
    for (let i = 0; i < values.length; i++) values[i] = draw();
    at += values.byteLength;
  }
  return file;
}

/** Draws one value after another. */
export function sampler(init: Initializer, random: () => number, layers: number): () => number {
  switch (init.kind) {
    case 'constant':
      return () => init.value;
    case 'normal':
      return normal(random, init.std);
    case 'output':
      return normal(random, init.std / Math.sqrt(layers));
    case 'uniform':
      return () => init.low + (init.high - init.low) * random();
    case 'log_uniform': {
      const [low, high] = [Math.log(init.low), Math.log(init.high)];
      return () => Math.max(init.floor ?? 0, Math.exp(low + (high - low) * random()));
    }
    case 'kaiming_uniform': {
      // He et al. 2015 with a = sqrt(5): the bound is one over the square root of the fan-in.
      const bound = 1 / Math.sqrt(init.fan_in);
      return () => bound * (2 * random() - 1);
    }
    case 'apply': {
      const of = sampler(init.of, random, layers);
      const apply = FUNCTIONS[init.fn];
      return () => apply(of());
    }
  }
}

const FUNCTIONS = {
  log: Math.log,
  exp: Math.exp,
  neg: (x: number) => -x,
  /** y with softplus(y) = x. */
  inverse_softplus: (x: number) => x + Math.log(-Math.expm1(-x)),
} as const;

/** Box and Muller 1958; both of a pair are used. */
function normal(random: () => number, std: number): () => number {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return std * value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    spare = radius * Math.sin(angle);
    return std * radius * Math.cos(angle);
  };
}

/** SFC32 (Doty-Humphrey, PractRand) from a seed and a name: numbers in [0, 1). */
export function generator(seed: number, name: string): () => number {
  let [a, b, c, counter] = [seed | 0, hash(name), 0x9e3779b9 | 0, 1];
  const next = (): number => {
    const sum = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) next();
  return () => next() / 2 ** 32;
}

/** FNV-1a. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h | 0;
}
