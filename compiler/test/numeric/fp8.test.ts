/**
 * The two fp8 formats bit by bit: the compiler's f64 arithmetic and what kernels compute, against tables made here from the
 * formats' definition (Micikevicius et al. 2022) and against what ml_dtypes gives (`tests/oracle/fp8_golden.py`).
 */
import { readFileSync } from 'node:fs';
import { KernelBuilder } from '../../src/kernel/build.js';
import { describeFault, run } from '../../src/kernel/check/index.js';
import * as e from '../../src/kernel/expressions.js';
import type { Kernel } from '../../src/kernel/ir.js';
import { castExpression } from '../../src/lower/pointwise.js';
import { decode, encode, round } from '../../src/numeric/format.js';
import { cast } from '../../src/ops/pointwise/cast.js';
import { runOnDevice } from '../support/kernel-device.js';
import { random } from '../support/random.js';

const FORMATS = ['e4m3', 'e5m2'] as const;
type Format = (typeof FORMATS)[number];

/** By sign, exponent and mantissa: 1 + 4 + 3 bits with only the last code a NaN, or 1 + 5 + 2 as in IEEE 754. */
function valueOf(code: number, format: Format): number {
  const mantissaBits = format === 'e4m3' ? 3 : 2;
  const sign = code >> 7 === 1 ? -1 : 1;
  const exponent = (code & 0x7f) >> mantissaBits;
  const mantissa = code & ((1 << mantissaBits) - 1);
  const fraction = mantissa / 2 ** mantissaBits;
  if (format === 'e4m3' && (code & 0x7f) === 0x7f) return NaN;
  if (format === 'e5m2' && exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  const bias = format === 'e4m3' ? 7 : 15;
  return sign * (exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias));
}

/** Finite magnitudes in the order of their codes, from zero. */
const magnitudesOf = (format: Format): readonly number[] =>
  Array.from({ length: 128 }, (_, code) => valueOf(code, format)).filter((value) => Number.isFinite(value));
const MAGNITUDES: Readonly<Record<Format, readonly number[]>> = {
  e4m3: magnitudesOf('e4m3'),
  e5m2: magnitudesOf('e5m2'),
};

/** The nearest of all values by its code: at the middle the even one, beyond the last the last; NaN stays. */
function nearestCode(value: number, format: Format): number {
  if (Number.isNaN(value)) return 0x7f;
  const magnitudes = MAGNITUDES[format];
  const magnitude = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? 0x80 : 0;
  const above = magnitudes.findIndex((each) => each >= magnitude);
  if (above < 0) return sign + magnitudes.length - 1;
  if (above === 0) return sign;
  const [low, high] = [magnitude - magnitudes[above - 1]!, magnitudes[above]! - magnitude];
  if (low !== high) return sign + (low < high ? above - 1 : above);
  return sign + (above % 2 === 0 ? above : above - 1);
}

const floats = new Float32Array(1);
const words = new Uint32Array(floats.buffer);
const fromWord = (word: number): number => ((words[0] = word), floats[0]!);
const toWord = (value: number): number => ((floats[0] = value), words[0]!);

/** f32 values around every place where rounding changes, beyond both ends, and of random bits. */
function samples(format: Format): readonly number[] {
  const magnitudes = MAGNITUDES[format];
  const middles = magnitudes.slice(1).map((high, i) => (magnitudes[i]! + high) / 2);
  const last = magnitudes.at(-1)!;
  const beyond = last + (last - magnitudes.at(-2)!) / 2;
  const places = [...magnitudes, ...middles, beyond, 2 * last, 1e30, 3.4028234663852886e38, 2 ** -126, 2 ** -149];
  const nearby = places.flatMap((place) => {
    const word = toWord(place);
    return [word - 1, word, word + 1].filter((each) => each >= 0).map(fromWord);
  });
  const draw = random(5);
  const bits = Array.from({ length: 20_000 }, () => fromWord(Math.floor(draw.next() * 2 ** 32)));
  const inside = Array.from({ length: 20_000 }, () => Math.fround(2 ** draw.uniform(-20, 17)));
  return [...nearby, ...inside, Infinity].flatMap((value) => [value, -value]).concat(bits, NaN);
}

/** What is wrong, if anything: plain comparisons, since a hundred thousand calls of `expect` would take a minute. */
function disagreements(given: readonly number[], found: (i: number) => number, expected: (i: number) => number) {
  return given.flatMap((value, i) =>
    Object.is(found(i), expected(i)) ? [] : [`${value}: ${found(i)}, not ${expected(i)}`],
  );
}

interface Recorded {
  readonly values: Uint32Array;
  readonly given: Float32Array;
  readonly codes: Uint32Array;
}

function recorded(format: Format): Recorded {
  const file = new URL('golden/fp8.json', import.meta.url);
  const texts = (JSON.parse(readFileSync(file, 'utf8')) as Record<Format, Record<keyof Recorded, string[]>>)[format];
  const numbers = (name: keyof Recorded): Uint32Array =>
    Uint32Array.from(
      texts[name].flatMap((line) => line.split(' ')),
      (hex) => parseInt(hex, 16),
    );
  return {
    values: numbers('values'),
    given: new Float32Array(numbers('given').buffer),
    codes: numbers('codes'),
  };
}

describe.each(FORMATS)('%s', (format) => {
  const codes = Array.from({ length: 256 }, (_, code) => code);
  const given = samples(format);

  test('has the values of the definition', () => {
    expect(
      disagreements(
        codes,
        (code) => decode(code, format),
        (code) => valueOf(code, format),
      ),
    ).toEqual([]);
    // Infinities are no result of a conversion, and NaN has one code.
    const finite = codes.filter((code) => Number.isFinite(valueOf(code, format)));
    expect(
      disagreements(
        finite,
        (i) => encode(valueOf(finite[i]!, format), format),
        (i) => finite[i]!,
      ),
    ).toEqual([]);
    expect(decode(encode(NaN, format), format)).toBeNaN();
  });

  test('has the values of ml_dtypes', () => {
    const { values } = recorded(format);
    expect(values).toHaveLength(256);
    expect(
      disagreements(
        codes,
        (code) => decode(code, format),
        (code) => fromWord(values[code]!),
      ),
    ).toEqual([]);
  });

  test('is rounded to as ml_dtypes does, but saturating', () => {
    const { given: inputs, codes: outputs } = recorded(format);
    expect(inputs.length).toBeGreaterThan(600);
    const last = MAGNITUDES[format].at(-1)!;
    const expected = (i: number): number => {
      const value = valueOf(outputs[i]!, format);
      // ml_dtypes takes what is too large for NaN or infinity.
      return Number.isFinite(value) ? value : Math.sign(inputs[i]!) * last;
    };
    expect(disagreements([...inputs], (i) => round(inputs[i]!, format), expected)).toEqual([]);
  });

  test('is rounded to by the nearest, ties to even, saturating, in f64', () => {
    const expected = (i: number): number => valueOf(nearestCode(given[i]!, format), format);
    expect(disagreements(given, (i) => round(given[i]!, format), expected)).toEqual([]);
    const { data } = cast.evaluate(
      [{ shape: [given.length], data: Float64Array.from(given) }],
      { to: format },
      undefined as never,
    );
    expect(disagreements(given, (i) => data[i]!, expected)).toEqual([]);
  });

  test('is rounded to by the nearest, ties to even, saturating, in kernels', async () => {
    const input = inputWords(given);
    for (const execute of [interpret, runOnDevice]) {
      const output = new Uint32Array(input.length);
      const grid = [Math.ceil(input.length / 4 / THREADS), 1, 1] as const;
      await execute(castKernel(format), {
        buffers: { input, output },
        uniforms: { quads: input.length / 4 },
        grid,
      });
      const expected = (i: number): number => valueOf(nearestCode(given[i]!, format), format);
      const found = (i: number): number => {
        const value = fromWord(output[i]!);
        // Devices may take subnormal f32 for zero, and then its sign too.
        return Math.abs(given[i]!) < 2 ** -126 && value === 0 ? expected(i) : value;
      };
      expect(disagreements(given, found, expected)).toEqual([]);
    }
  });
});

const THREADS = 64;

function inputWords(values: readonly number[]): Uint32Array {
  const padded = new Float32Array(4 * Math.ceil(values.length / 4));
  padded.set(values);
  return new Uint32Array(padded.buffer);
}

/** Rounds words to a format as every fused kernel does. As words, so that nothing else touches NaN. */
function castKernel(format: Format): Kernel {
  const builder = new KernelBuilder();
  const input = builder.buffer('input', 'vec4u', 'read', 'values');
  const output = builder.buffer('output', 'vec4u', 'read_write', 'rounded values');
  const quads = builder.uniform('quads', 'u32', 'fours of values');
  const i = builder.let('i', e.add(e.mul(e.builtin('workgroup_x'), THREADS), e.builtin('local_index')));
  builder.if(e.lt(i, quads), () => {
    const lanes = [0, 1, 2, 3].map((lane) =>
      castExpression(format, e.component(e.bitcast('vec4f', input.at(i)), lane)),
    );
    output.set(i, e.bitcast('vec4u', e.vector('vec4f', ...lanes)));
  });
  return builder.finish({ name: `cast_${format}`, doc: `Rounds to ${format}.`, workgroupSize: [THREADS, 1, 1] });
}

function interpret(kernel: Kernel, options: Parameters<typeof run>[1]): void {
  const { faults } = run(kernel, { ...options, allowNonFinite: true });
  expect(faults.map(describeFault)).toEqual([]);
}
