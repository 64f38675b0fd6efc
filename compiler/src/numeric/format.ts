/**
 * Floating-point formats narrower than f64 as exact arithmetic on f64 values: rounding to nearest, ties to even, with
 * subnormals, and the code of each value. f32, f16 and bf16 are IEEE 754 (overflow gives infinity); e4m3 and e5m2 are the
 * OCP 8-bit formats (Micikevicius et al. 2022, arXiv:2209.05433) with saturating conversion: what is too large, infinity
 * included, becomes the largest finite value. e4m3 has no infinity and one NaN for each sign.
 */
import type { Dtype } from '../graph/types.js';

export type FloatFormat = Exclude<Dtype, 'u32' | 'bool'>;

export interface FormatDescription {
  readonly exponentBits: number;
  readonly mantissaBits: number;
  readonly bias: number;
  readonly largest: number;
  readonly infinity: boolean;
  readonly saturates: boolean;
}

export const FORMATS: Readonly<Record<FloatFormat, FormatDescription>> = {
  f32: {
    exponentBits: 8,
    mantissaBits: 23,
    bias: 127,
    largest: (2 - 2 ** -23) * 2 ** 127,
    infinity: true,
    saturates: false,
  },
  f16: { exponentBits: 5, mantissaBits: 10, bias: 15, largest: 65504, infinity: true, saturates: false },
  bf16: {
    exponentBits: 8,
    mantissaBits: 7,
    bias: 127,
    largest: (2 - 2 ** -7) * 2 ** 127,
    infinity: true,
    saturates: false,
  },
  e4m3: { exponentBits: 4, mantissaBits: 3, bias: 7, largest: 448, infinity: false, saturates: true },
  e5m2: { exponentBits: 5, mantissaBits: 2, bias: 15, largest: 57344, infinity: true, saturates: true },
};

/** Distance between neighbouring values of the format at a magnitude (in the binade that holds it). */
export function spacing(magnitude: number, format: FloatFormat): number {
  const { mantissaBits, bias } = FORMATS[format];
  return 2 ** (Math.max(exponentOf(magnitude), 1 - bias) - mantissaBits);
}

/** The nearest value of the format, ties to even. */
export function round(value: number, format: FloatFormat): number {
  if (Number.isNaN(value) || value === 0) return value;
  const { largest, saturates } = FORMATS[format];
  const magnitude = Math.abs(value);
  if (magnitude === Infinity) return Math.sign(value) * (saturates ? largest : Infinity);
  const quantum = spacing(magnitude, format);
  // Exact: division by a power of two, and the quotient is below 2^53 wherever it has a fraction.
  const rounded = roundHalfEven(magnitude / quantum) * quantum;
  if (rounded <= largest) return Math.sign(value) * rounded || (value < 0 ? -0 : 0);
  return Math.sign(value) * (saturates ? largest : Infinity);
}

function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest < 0.5) return below;
  if (rest > 0.5) return below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** floor(log2(magnitude)), exact. */
function exponentOf(magnitude: number): number {
  scratch.setFloat64(0, magnitude);
  const field = (scratch.getUint16(0) >> 4) & 0x7ff;
  // Subnormal in f64: far below every format's smallest value, the exact exponent does not matter.
  return field === 0 ? -1074 : field - 1023;
}
const scratch = new DataView(new ArrayBuffer(8));

/** Number of bits of a code. */
export function bitsOf(format: FloatFormat): number {
  const { exponentBits, mantissaBits } = FORMATS[format];
  return 1 + exponentBits + mantissaBits;
}

/** The code of the nearest value. NaN becomes the format's quiet NaN. */
export function encode(value: number, format: FloatFormat): number {
  const { exponentBits, mantissaBits, bias, infinity } = FORMATS[format];
  const top = 2 ** exponentBits - 1;
  const mantissas = 2 ** mantissaBits;
  const negative = value < 0 || Object.is(value, -0);
  const sign = negative ? 2 ** (exponentBits + mantissaBits) : 0;
  if (Number.isNaN(value)) return top * mantissas + (infinity ? mantissas / 2 : mantissas - 1);
  const magnitude = Math.abs(round(value, format));
  if (magnitude === Infinity) return sign + top * mantissas;
  const smallestNormal = 2 ** (1 - bias);
  if (magnitude < smallestNormal) return sign + magnitude / spacing(magnitude, format);
  const exponent = exponentOf(magnitude);
  return sign + (exponent + bias) * mantissas + (magnitude / 2 ** exponent - 1) * mantissas;
}

/** The value of a code. */
export function decode(code: number, format: FloatFormat): number {
  const { exponentBits, mantissaBits, bias, infinity } = FORMATS[format];
  const mantissas = 2 ** mantissaBits;
  const top = 2 ** exponentBits - 1;
  const mantissa = code % mantissas;
  const exponent = Math.floor(code / mantissas) % (top + 1);
  const sign = code >= 2 ** (exponentBits + mantissaBits) ? -1 : 1;
  if (exponent === top && (infinity || mantissa === mantissas - 1)) {
    return infinity && mantissa === 0 ? sign * Infinity : NaN;
  }
  if (exponent === 0) return sign * mantissa * 2 ** (1 - bias - mantissaBits);
  return sign * (1 + mantissa / mantissas) * 2 ** (exponent - bias);
}
