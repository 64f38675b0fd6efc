/** Rounding of optimizer state at random: without bias, and the same numbers in kernels. */
import { roundingStreams } from '@hyb/runtime/train/rounding';
import { describeFault, run } from '../../src/kernel/check/index.js';
import { updateCalls } from '../../src/lower/update/update.js';
import { round } from '../../src/numeric/format.js';
import { randomBits } from '../../src/numeric/random-bits.js';
import { roundAtRandom } from '../../src/reference/state-rounding.js';
import { random } from '../support/random.js';
import { settingsOf, totalsOf } from '../support/update-buffers.js';

const draw = random(17);

describe('the mean of many roundings is the value', () => {
  // A quarter of the way to the next bf16, and others; negative, subnormal in bf16, large.
  const values = [
    1 + 2 ** -9,
    1 + 3 * 2 ** -9,
    -3.3,
    1e-20,
    2 ** -130,
    7e30,
    ...Array.from({ length: 6 }, () => draw.normal()),
  ];
  const COUNT = 40_000;
  const rows = roundingStreams(1, 'layers.0.q.weight');
  /** As a step's columns, rows' streams, or steps count up: none may have a pattern. */
  const counters: readonly (readonly [string, (i: number) => number])[] = [
    ['columns', (i) => randomBits(i, 3, 77)],
    ['steps', (i) => randomBits(4, i + 1, 77)],
    ['rows', (i) => randomBits(4, 3, rows(i))],
    ['seeds', (i) => randomBits(4, 3, roundingStreams(i, 'layers.0.q.weight')(0))],
  ];
  test.each(counters)('%s', (_, bits) => {
    for (const which of [0, 1]) {
      const drawn = Array.from({ length: COUNT }, (_unused, i) => bits(i) >>> (16 * which));
      for (const value of values.map(Math.fround)) {
        const [low, high] = [roundAtRandom(value, 0), roundAtRandom(value, 0xffff)];
        const sum = drawn.reduce((total, each) => total + roundAtRandom(value, each), 0);
        const step = Math.abs(high - low);
        // The share that goes up is binomial; five standard deviations, of 96 draws.
        const share = step === 0 ? 0 : Math.abs((value - low) / step);
        const deviation = step * Math.sqrt(Math.max(share * (1 - share), 1 / COUNT) / COUNT);
        expect(Math.abs(sum / COUNT - value)).toBeLessThanOrEqual(5 * deviation);
      }
    }
  });

  test('two moments and neighbouring columns are independent', () => {
    const bits = Array.from({ length: COUNT }, (_, i) => randomBits(i, 1, 9));
    const halves = (shift: number): number[] => bits.map((b) => ((b >>> shift) & 0xffff) / 0x10000 - 0.5);
    const [first, second] = [halves(0), halves(16)];
    const correlation = (a: readonly number[], b: readonly number[]): number =>
      (12 * a.reduce((sum, v, i) => sum + v * b[i]!, 0)) / a.length;
    const bound = 5 / Math.sqrt(COUNT);
    expect(Math.abs(correlation(first, second))).toBeLessThan(bound);
    for (const half of [first, second])
      expect(Math.abs(correlation(half.slice(1), half.slice(0, -1)))).toBeLessThan(bound);
  });
});

test('bf16 values stay', () => {
  for (let i = 0; i < 1000; i++) {
    const value = round(draw.normal() * 10 ** draw.uniform(-30, 30), 'bf16');
    expect(roundAtRandom(value, draw.integer(0, 0x10000))).toBe(value);
  }
});

const [ROWS, COLUMNS, FIRST] = [9, 12, 2];
const SIZE = ROWS * COLUMNS;

/** Two bf16 a word, the first in the low half. */
const pack = (values: Float32Array): Uint32Array => {
  const bits = new Uint32Array(values.buffer);
  return Uint32Array.from(
    { length: SIZE / 2 },
    (_, i) => ((bits[2 * i]! >>> 16) | (bits[2 * i + 1]! & 0xffff0000)) >>> 0,
  );
};
const unpack = (words: Uint32Array): Float32Array =>
  new Float32Array(
    Uint32Array.from({ length: SIZE }, (_, i) => (i % 2 === 0 ? words[i >> 1]! << 16 : words[i >> 1]! & 0xffff0000))
      .buffer,
  );

describe.each(['AdamW', 'SGD'] as const)('%s in kernels', (rule) => {
  const calls = updateCalls({ scaling: 'current', narrow: true });
  const normals = (): Float32Array => Float32Array.from({ length: SIZE }, () => draw.normal());
  const bf16 = (values: Float32Array): Float32Array => values.map((v) => round(v, 'bf16'));
  const [master, gradient, first] = [normals(), normals(), bf16(normals())];
  const second = bf16(normals().map((v) => v * v));
  const streams = Uint32Array.from({ length: FIRST + ROWS }, () => Math.floor(draw.next() * 2 ** 32));
  const step = 4;

  function execute(narrow: boolean, stochastic: boolean) {
    const settings = settingsOf({
      rate: 0.1,
      decay: 0.1,
      beta1: 0.9,
      beta2: 0.95,
      eps: 1e-8,
      firstCorrection: 2,
      secondCorrection: 3,
      step,
      stochastic: stochastic ? 1 : 0,
    });
    const rows = new Float32Array((narrow ? 4 : 2) * (FIRST + ROWS)).fill(1);
    const words = new Uint32Array(rows.buffer);
    if (narrow) streams.forEach((stream, row) => (words[4 * row + 2] = stream));
    const state = (values: Float32Array): Float32Array | Uint32Array => (narrow ? pack(values) : values.slice());
    const buffers: Record<string, Float32Array | Uint32Array> = {
      settings,
      totals: totalsOf({ factor: 1 }),
      rows: narrow ? words : rows,
      master: master.slice(),
      gradient,
      first: state(first),
      second: state(second),
    };
    const kernel = calls[`${rule}.f32${narrow ? '.state_bf16' : ''}`]!.variants[0]!;
    const { faults } = run(kernel, {
      buffers: Object.fromEntries(kernel.buffers.map(({ name }) => [name, buffers[name]!])),
      uniforms: { quad_count: SIZE / 4, row_quads: COLUMNS / 4, first_row: FIRST },
      grid: [1, 1, 1],
    });
    expect(faults.map(describeFault)).toEqual([]);
    return buffers;
  }

  const exact = execute(false, false);

  test.each([true, false])('at random: %p', (stochastic) => {
    const found = execute(true, stochastic);
    expect(found.master).toEqual(exact.master);
    (rule === 'AdamW' ? (['first', 'second'] as const) : (['first'] as const)).forEach((name, which) => {
      const expected = Array.from(exact[name]!, (value, i) => {
        if (!stochastic) return round(value, 'bf16');
        const bits = randomBits(i % COLUMNS, step, streams[FIRST + Math.floor(i / COLUMNS)]!);
        return roundAtRandom(value, bits >>> (16 * which));
      });
      expect(unpack(found[name] as Uint32Array)).toEqual(Float32Array.from(expected));
      if (stochastic) expect(expected).not.toEqual(Array.from(exact[name]!, (value) => round(value, 'bf16')));
    });
  });
});
