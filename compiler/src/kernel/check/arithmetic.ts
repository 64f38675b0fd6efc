/** Arithmetic of the kernel language on JavaScript numbers: f32 values are rounded, u32 are 0 … 2^32 - 1. */
import { erf, erfc } from '../../numeric/erf.js';
import type { Intrinsic, SubgroupOperation } from '../ir.js';
import { round } from '../../numeric/format.js';

const floats = new Float32Array(1);
const unsigned = new Uint32Array(floats.buffer);
const signed = new Int32Array(floats.buffer);
const fr = Math.fround;

export const f16 = (x: number): number => round(x, 'f16');

export function floatToU32(x: number): number {
  if (!(x > 0)) return 0;
  return x >= 0xffffffff ? 0xffffffff : Math.trunc(x);
}
export function floatToI32(x: number): number {
  if (Number.isNaN(x)) return 0;
  return x >= 0x7fffffff ? 0x7fffffff : x <= -0x80000000 ? -0x80000000 : Math.trunc(x) | 0;
}
export function bitsOfF32(x: number): number {
  floats[0] = x;
  return unsigned[0]!;
}
export function f32OfBits(bits: number): number {
  unsigned[0] = bits;
  return floats[0]!;
}
export function f32OfSignedBits(bits: number): number {
  signed[0] = bits;
  return floats[0]!;
}

/** f16 bits of a value that is an f16. */
export function bitsOfF16(x: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const a = Math.abs(x);
  if (Number.isNaN(x)) return 0x7e00;
  if (a === Infinity) return sign | 0x7c00;
  if (a < 2 ** -14) return sign | (a * 2 ** 24);
  const exponent = ((bitsOfF32(a) >>> 23) & 255) - 127;
  return sign | ((exponent + 15) << 10) | ((a / 2 ** exponent - 1) * 1024);
}
export function f16OfBits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/** Two f16 in a u32, the first in the low bits. */
export function pack2x16float(a: number, b: number): number {
  return (bitsOfF16(f16(a)) | (bitsOfF16(f16(b)) << 16)) >>> 0;
}

export function countOneBits(x: number): number {
  let v = x - ((x >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return (Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24) & 63;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const gelu = (x: number): number => 0.5 * x * erfc(-x * Math.SQRT1_2);
const geluTanh = (x: number): number => x * sigmoid(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x));
/** WGSL's pow is exp2(y * log2(x)): not defined for negative x. */
const pow = (x: number, y: number): number => (x < 0 ? NaN : Math.pow(x, y));

/** Component-wise float functions in f64, before rounding to the result's type. */
export const FLOAT_FUNCTIONS: Readonly<Partial<Record<Intrinsic, (...args: number[]) => number>>> = {
  abs: Math.abs,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  floor: Math.floor,
  pow,
  min: Math.min,
  max: Math.max,
  clamp: (x, low, high) => Math.min(Math.max(x, low), high),
  fma: (a, b, c) => a * b + c,
  sign: (x) => (x > 0 ? 1 : x < 0 ? -1 : 0),
  sigmoid,
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  silu: (x) => x * sigmoid(x),
  erf,
  gelu,
  gelu_tanh: geluTanh,
  safe_tanh: Math.tanh,
  log1p: Math.log1p,
  round_bf16: (x) => round(x, 'bf16'),
  round_f16: (x) => round(x, 'f16'),
  round_e4m3: (x) => round(x, 'e4m3'),
  round_e5m2: (x) => round(x, 'e5m2'),
};

/** Integer functions; results are wrapped to the type by the caller. */
export const INTEGER_FUNCTIONS: Readonly<Partial<Record<Intrinsic, (...args: number[]) => number>>> = {
  abs: Math.abs,
  min: Math.min,
  max: Math.max,
  clamp: (x, low, high) => Math.min(Math.max(x, low), high),
  sign: Math.sign,
  count_one_bits: countOneBits,
};

/** What a shuffle from a lane that does not exist gives: WGSL leaves it open, so it must not be used. */
export const POISON = { f32: NaN, f16: NaN, u32: 0xdeadbeef, i32: 0xdeadbeef | 0, bool: 1 } as const;

/**
 * One subgroup operation over a workgroup: `values` and `results` hold `lanes` numbers for each of `count` invocations,
 * subgroups are runs of `size` invocations.
 */
export function subgroupOperation(
  operation: SubgroupOperation,
  values: ArrayLike<number>,
  results: { [i: number]: number },
  count: number,
  size: number,
  lanes: number,
  argument: number,
  wrap: (x: number) => number,
  poison: number,
): void {
  for (let start = 0; start < count; start += size) {
    const end = Math.min(start + size, count);
    for (let lane = 0; lane < lanes; lane++) {
      if (operation === 'shuffle_xor' || operation === 'shuffle_down') {
        for (let t = start; t < end; t++) {
          const source = start + (operation === 'shuffle_xor' ? (t - start) ^ argument : t - start + argument);
          results[t * lanes + lane] = source < end ? values[source * lanes + lane]! : poison;
        }
        continue;
      }
      let result = values[start * lanes + lane]!;
      if (operation === 'broadcast')
        result = start + argument < end ? values[(start + argument) * lanes + lane]! : poison;
      for (let t = start + 1; t < end; t++) {
        const value = values[t * lanes + lane]!;
        if (operation === 'add') result = wrap(result + value);
        else if (operation === 'max') result = Math.max(result, value);
        else if (operation === 'min') result = Math.min(result, value);
      }
      for (let t = start; t < end; t++) results[t * lanes + lane] = result;
    }
  }
}

export { fr };
