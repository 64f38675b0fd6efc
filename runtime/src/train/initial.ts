/** First values of parameters. */
import { hash32 } from './random.js';

/** A distribution, as the compiler writes it. */
export type Distribution =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly std: number }
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number }
  | { readonly kind: 'log_uniform'; readonly low: number; readonly high: number; readonly floor?: number }
  | { readonly kind: 'kaiming_uniform'; readonly fan_in: number }
  | { readonly kind: 'apply'; readonly fn: 'log' | 'inverse_softplus' | 'neg' | 'exp'; readonly of: Distribution };

/** Looked up once for the inner loops. */
const { PI, cos, exp, expm1, imul, log, max, sqrt } = Math;

/**
 * The values of a parameter. They depend on the seed and the parameter's name only, so that a model that has got a layer
 * more begins in the same way elsewhere.
 */
export function initialValues(init: Distribution, count: number, seed: number, name: string): Float32Array {
  const next = uniformNumbers(hash32(seed, ...new TextEncoder().encode(name)), hash32(seed));
  const draw = sampler(init, next);
  return Float32Array.from({ length: count }, draw);
}

function sampler(init: Distribution, next: () => number): () => number {
  switch (init.kind) {
    case 'constant':
      return () => init.value;
    case 'normal':
      // Box and Muller; the second number of each pair is left.
      return () => init.std * sqrt(-2 * log(1 - next())) * cos(2 * PI * next());
    case 'uniform':
      return () => init.low + (init.high - init.low) * next();
    case 'log_uniform': {
      const [low, high] = [log(init.low), log(init.high)];
      return () => max(init.floor ?? 0, exp(low + (high - low) * next()));
    }
    case 'kaiming_uniform': {
      const bound = 1 / sqrt(init.fan_in);
      return () => bound * (2 * next() - 1);
    }
    case 'apply': {
      const of = sampler(init.of, next);
      switch (init.fn) {
        case 'log':
          return () => log(of());
        case 'exp':
          return () => exp(of());
        case 'neg':
          return () => -of();
        case 'inverse_softplus':
          return () => {
            const x = of();
            return x + log(-expm1(-x));
          };
      }
    }
  }
}

/** Uniform from 0 to below 1, 53 bits: two draws of sfc32 (Chris Doty-Humphrey's PractRand). */
function uniformNumbers(a: number, b: number): () => number {
  let [x, y, z, count] = [a | 0, b | 0, imul(a ^ b, 0x9e3779b9), 1];
  const draw = (): number => {
    const sum = (((x + y) | 0) + count) | 0;
    count = (count + 1) | 0;
    x = y ^ (y >>> 9);
    y = (z + (z << 3)) | 0;
    z = (z << 21) | (z >>> 11);
    z = (z + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) draw();
  return () => ((draw() >>> 5) * 2 ** 26 + (draw() >>> 6)) * 2 ** -53;
}
