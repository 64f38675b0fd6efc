import { FORMATS, bitsOf, decode, encode, round } from '../../src/numeric/format.js';
import type { FloatFormat } from '../../src/numeric/format.js';
import { random } from '../support/random.js';

/** Value of an f16 code by the textbook formula on its bit string: a sign, 5 bits of exponent, 10 of mantissa. */
function textbook(code: number): number {
  const bits = code.toString(2).padStart(16, '0');
  const exponent = parseInt(bits.slice(1, 6), 2);
  const fraction = [...bits.slice(6)].reduce((sum, bit, i) => sum + Number(bit) * 2 ** -(i + 1), 0);
  const size = exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15);
  return bits[0] === '1' ? -size : size;
}

describe.each(['f16', 'bf16', 'e4m3', 'e5m2'] as const)('%s', (format) => {
  test('between all neighbours: the nearer one, at the middle the even one', () => {
    const last = encode(FORMATS[format].largest, format);
    for (let code = 0; code < last; code++) {
      const low = decode(code, format);
      const high = decode(code + 1, format);
      const middle = low + (high - low) / 2;
      const even = code % 2 === 0 ? low : high;
      const nudge = (high - low) * 2 ** -30;
      // Plain comparisons: half a million calls of `expect` would take longer than all other tests.
      const right =
        round(low, format) === low &&
        round(middle, format) === even &&
        round(-middle, format) === -even &&
        round(middle - nudge, format) === low &&
        round(middle + nudge, format) === high &&
        encode(low, format) === code &&
        encode(-high, format) === code + 1 + 2 ** (bitsOf(format) - 1);
      if (!right) throw new Error(`${format} is wrong near code ${code}, ${low}`);
    }
  });

  test('keeps NaN and the sign of zero', () => {
    expect(round(NaN, format)).toBeNaN();
    expect(round(-0, format)).toBe(-0);
    expect(round(-1e-300, format)).toBe(-0);
    expect(encode(-0, format)).toBe(2 ** (bitsOf(format) - 1));
  });
});

test('bf16 codes are the upper half of f32', () => {
  const words = new Uint32Array(1);
  const floats = new Float32Array(words.buffer);
  for (let code = 0; code < 2 ** 16; code++) {
    words[0] = code * 2 ** 16;
    if (!Object.is(decode(code, 'bf16'), floats[0]!)) throw new Error(`bf16 code ${code}`);
  }
});

test('f16 codes by the textbook', () => {
  for (let code = 0; code < 2 ** 16; code++) {
    const low = code & 0x7fff;
    const expected = low > 0x7c00 ? NaN : low === 0x7c00 ? (code === low ? Infinity : -Infinity) : textbook(code);
    if (!Object.is(decode(code, 'f16'), expected)) throw new Error(`f16 code ${code}`);
  }
});

test('overflow of f16 and bf16 is where rounding says', () => {
  expect(round(65519.99, 'f16')).toBe(65504);
  expect(round(65520, 'f16')).toBe(Infinity);
  expect(round(-Infinity, 'bf16')).toBe(-Infinity);
  expect(round(2 ** 128 - 2 ** 119, 'bf16')).toBe(Infinity);
  expect(round(2 ** 128 - 2 ** 119 - 2 ** 80, 'bf16')).toBe(FORMATS.bf16.largest);
});

test('f32 agrees with the hardware', () => {
  const { uniform, next } = random(1);
  for (let i = 0; i < 20_000; i++) {
    const value = uniform(-2, 2) * 2 ** Math.round(uniform(-160, 130));
    const tie = Math.fround(value) * (1 + 2 ** -24);
    for (const v of [value, tie, next() * 2 ** -149]) {
      if (!Object.is(round(v, 'f32'), Math.fround(v))) throw new Error(`f32 of ${v}`);
    }
  }
  const formats: readonly FloatFormat[] = ['f32', 'f16', 'bf16', 'e4m3', 'e5m2'];
  for (const format of formats) expect(round(FORMATS[format].largest, format)).toBe(FORMATS[format].largest);
});
