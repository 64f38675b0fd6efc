/** Numbers as WGSL text that reads back as exactly the same number. */
import type { ScalarType } from '../kernel/ir.js';

/** Thrown for NaN and infinities, which WGSL cannot write and whose use is indeterminate: masks are finite. */
export class NonFiniteLiteralError extends Error {
  constructor(readonly value: number) {
    super(`a literal must be finite, found ${value}`);
  }
}

/**
 * @param suffixed with the type's suffix, for places where no other operand fixes the type
 * @throws NonFiniteLiteralError; RangeError when an integer does not fit its type
 */
export function printLiteral(type: ScalarType, value: number, suffixed: boolean): string {
  switch (type) {
    case 'bool':
      return value ? 'true' : 'false';
    case 'u32':
    case 'i32':
      return printInteger(type, value, suffixed);
    case 'f32':
      return decimal(Math.fround(value), Math.fround, 2 ** -24) + (suffixed ? 'f' : '');
    case 'f16':
      // Every f16 is an f32, and 9 digits are more than enough for it.
      return `${decimal(value, Math.fround, 2 ** -24)}h`;
  }
}

function printInteger(type: 'u32' | 'i32', value: number, suffixed: boolean): string {
  const [low, high] = type === 'u32' ? [0, 0xffffffff] : [-0x80000000, 0x7fffffff];
  if (!Number.isInteger(value) || value < low || value > high) throw new RangeError(`${value} is not a ${type}`);
  // -2147483648i would be the negation of a number that is out of range.
  if (value === low && type === 'i32') return suffixed ? 'i32(-2147483648)' : '-2147483648';
  return `${value === 0 ? 0 : value}${suffixed ? (type === 'u32' ? 'u' : 'i') : ''}`;
}

/**
 * Shortest decimal whose distance from the value is well under half of the format's spacing, so that it reads back as the
 * value even through an intermediate rounding to f64.
 */
function decimal(value: number, round: (x: number) => number, epsilon: number): string {
  if (!Number.isFinite(value)) throw new NonFiniteLiteralError(value);
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  for (let digits = 1; digits <= 17; digits++) {
    const text = value.toPrecision(digits);
    const back = Number(text);
    if (round(back) === value && Math.abs(back - value) <= Math.abs(value) * epsilon * 0.5) return tidy(text);
  }
  return tidy(String(value));
}

/** `1.000e+5` as `1e5`, `12` as `12.0`: always recognisably a float. */
function tidy(text: string): string {
  const [mantissa = '', exponent] = text.split('e');
  const short = mantissa.includes('.') ? mantissa.replace(/0+$/, '').replace(/\.$/, '') : mantissa;
  if (exponent !== undefined) return `${short}e${Number(exponent)}`;
  return short.includes('.') ? short : `${short}.0`;
}
