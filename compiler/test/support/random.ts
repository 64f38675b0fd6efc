import type { Reference } from '../../src/ops/op.js';

// Looking `Math` up in jest's sandbox costs more than the arithmetic.
const { imul, sqrt, log, cos, floor, PI } = Math;

/** Seeded pseudo-random numbers (mulberry32). */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  uniform(low: number, high: number): number;
  integer(low: number, end: number): number;
  normal(): number;
  tensor(shape: readonly number[], sample?: () => number): Reference;
}

export function random(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = imul(t ^ (t >>> 15), t | 1);
    t ^= t + imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const self: Random = {
    next,
    uniform: (low, high) => low + (high - low) * next(),
    integer: (low, end) => low + floor(next() * (end - low)),
    normal: () => sqrt(-2 * log(1 - next())) * cos(2 * PI * next()),
    tensor: (shape, sample = self.normal) => {
      const size = shape.reduce((n, e) => n * e, 1);
      return { shape, data: Float64Array.from({ length: size }, sample) };
    },
  };
  return self;
}
