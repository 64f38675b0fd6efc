/** The composite functions on the adapter, against f64 and against the formats' own rounding. */
import { KernelBuilder } from '@hyb/compiler/kernel/build';
import { run } from '@hyb/compiler/kernel/check/index';
import * as x from '@hyb/compiler/kernel/expressions';
import type { Intrinsic, Kernel } from '@hyb/compiler/kernel/ir';
import { verifyKernel } from '@hyb/compiler/kernel/verify';
import { erf, erfc } from '@hyb/compiler/numeric/erf';
import type { FloatFormat } from '@hyb/compiler/numeric/format';
import { round } from '@hyb/compiler/numeric/format';
import { runOnDevice } from '../support/kernel-device.js';

const THREADS = 64;

/** y[i] = fn(x[i]) on vec4f, or on bits. */
function unaryKernel(fn: Intrinsic, bits: boolean): Kernel {
  const b = new KernelBuilder();
  const input = b.buffer('input', bits ? 'vec4u' : 'vec4f', 'read', 'arguments');
  const output = b.buffer('output', bits ? 'vec4u' : 'vec4f', 'read_write', 'values');
  const i = b.let('i', x.add(x.mul(x.builtin('workgroup_x'), THREADS), x.builtin('local_index')));
  const n = b.uniform('n', 'u32', 'vectors');
  b.if(x.lt(i, n), () => {
    const argument = bits ? x.bitcast('vec4f', input.at(i)) : input.at(i);
    const value = x.call(fn, argument);
    output.set(i, bits ? x.bitcast('vec4u', value) : value);
  });
  return b.finish({ name: fn, doc: fn, workgroupSize: [THREADS, 1, 1] });
}

async function evaluate<T extends Float32Array | Uint32Array>(fn: Intrinsic, values: T): Promise<T> {
  const kernel = unaryKernel(fn, values instanceof Uint32Array);
  expect(verifyKernel(kernel)).toEqual([]);
  const vectors = values.length / 4;
  const output = values.slice().fill(0) as T;
  const grid = [Math.ceil(vectors / THREADS), 1, 1] as const;
  await runOnDevice(kernel, { buffers: { input: values, output }, uniforms: { n: vectors }, grid });
  return output;
}

/** Values across the binades, dense around zero and one, and large ones. */
function samples(low: number, high: number): Float32Array {
  const values: number[] = [];
  for (let k = 0; k <= 20_000; k++) values.push(low + ((high - low) * k) / 20_000);
  for (let e = -40; e < 20; e++)
    for (let m = 0; m < 64; m++) values.push((1 + m / 64) * 2 ** e, -(1 + m / 64) * 2 ** e);
  values.push(0, 1e30, -1e30, 87, -87, 88.8, -88.8);
  const inside = values.filter((v) => v >= low && v <= high);
  while (inside.length % 4 !== 0) inside.push(low);
  return Float32Array.from(inside);
}

const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));
const geluTanh = (v: number): number => v * sigmoid(2 * Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3));

interface Case {
  readonly fn: Intrinsic;
  readonly of: (v: number) => number;
  readonly range: readonly [number, number];
  /** Bound of the error, from the function's formula and WGSL's accuracy of `exp` (3 + 2 |x| ulp) and division (2.5 ulp). */
  readonly bound: (v: number, result: number) => number;
}

const ULP = 2 ** -23;
/** Results below the smallest normal number may be flushed. */
const FLUSHED = 2 ** -126;
const relative = (ulps: (v: number) => number) => (v: number, result: number) =>
  ulps(v) * ULP * Math.abs(result) + FLUSHED;
const exponential = (argument: number): number => 3 + 2 * Math.abs(argument);

const CASES: readonly Case[] = [
  // Below -87 the value is held at exp(-87).
  {
    fn: 'sigmoid',
    of: sigmoid,
    range: [-1e30, 1e30],
    bound: (v, r) => relative((u) => exponential(Math.max(u, -87)) + 5)(v, r) + Math.exp(-87) * 1.01,
  },
  {
    fn: 'silu',
    of: (v) => v * sigmoid(v),
    range: [-1e6, 1e30],
    bound: (v, r) => relative((u) => exponential(Math.max(u, -87)) + 6)(v, r) + Math.abs(v) * Math.exp(-87) * 1.01,
  },
  { fn: 'log1p', of: Math.log1p, range: [-0.99, 1e30], bound: relative(() => 12) },
  {
    fn: 'softplus',
    of: (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))),
    range: [-80, 1e30],
    bound: relative((v) => exponential(Math.min(Math.abs(v), 20) === 20 && v > 0 ? 0 : v) + 12),
  },
  { fn: 'safe_tanh', of: Math.tanh, range: [-1e30, 1e30], bound: relative(() => 12) },
  { fn: 'erf', of: erf, range: [-1e30, 1e30], bound: relative(() => 12) },
  // The exponent's argument y² is itself rounded.
  {
    fn: 'gelu',
    of: (v) => 0.5 * v * erfc(-v * Math.SQRT1_2),
    range: [-12, 1e6],
    bound: (v, r) => relative((u) => 16 + (u < 0 ? 2 * u * u : 0))(v, r),
  },
  {
    fn: 'gelu_tanh',
    of: geluTanh,
    range: [-9, 1e6],
    bound: (v, r) =>
      relative((u) => 16 + (u < 0 ? 12 * Math.abs(1.6 * (u + 0.045 * u ** 3)) : 0))(v, r) +
      Math.abs(v) * Math.exp(-87) * 1.01,
  },
];

describe('composite functions are accurate and finite', () => {
  test.each(CASES)('$fn', async ({ fn, of, range, bound }) => {
    const values = samples(...range);
    const results = await evaluate(fn, values);
    let worst = { excess: 0, argument: 0, result: 0, expected: 0 };
    values.forEach((v, i) => {
      const expected = of(v);
      const error = Math.abs(results[i]! - expected);
      const excess = Number.isFinite(results[i]) ? error / bound(v, expected) : Infinity;
      if (excess > worst.excess) worst = { excess, argument: v, result: results[i]!, expected };
    });
    expect(worst.excess > 1 ? worst : 'within bounds').toBe('within bounds');
  });
});

/** Bit patterns of finite f32: all upper halves, with lower halves around the ties of each format. */
function patterns(): Uint32Array {
  const lower = [0x0000, 0x0001, 0x0fff, 0x1000, 0x1001, 0x3000, 0x7fff, 0x8000, 0x8001, 0xffff];
  const list: number[] = [];
  for (let upper = 0; upper < 0x10000; upper++) {
    if ((upper & 0x7f80) === 0x7f80) continue;
    for (const low of lower) list.push(upper * 0x10000 + low);
  }
  while (list.length % 4 !== 0) list.push(0);
  return Uint32Array.from(list);
}

const isSubnormal = (bits: number): boolean => (bits & 0x7f800000) === 0 && (bits & 0x7fffff) !== 0;

describe('rounding to narrow formats is exact', () => {
  const bits = patterns();
  const values = new Float32Array(bits.buffer);
  const CASES: readonly [Intrinsic, FloatFormat][] = [
    ['round_bf16', 'bf16'],
    ['round_f16', 'f16'],
    ['round_e4m3', 'e4m3'],
    ['round_e5m2', 'e5m2'],
  ];
  test.each(CASES)('%s', async (fn, format) => {
    const results = await evaluate(fn, bits);
    const expected = new Uint32Array(Float32Array.from(values, (v) => round(v, format)).buffer);
    const wrong: string[] = [];
    bits.forEach((pattern, i) => {
      if (results[i] === expected[i]) return;
      // Devices may take subnormal f32 for zero.
      if (isSubnormal(pattern) && (results[i]! & 0x7fffffff) === 0) return;
      wrong.push(
        `${values[i]} (${pattern.toString(16)}): ${results[i]!.toString(16)}, not ${expected[i]!.toString(16)}`,
      );
    });
    expect(wrong.slice(0, 5)).toEqual([]);
  });
});

test('the interpreter rounds the same way', () => {
  const bits = patterns().filter((_, i) => i % 61 === 0);
  const input = bits.slice(0, bits.length - (bits.length % 4));
  const values = new Float32Array(input.buffer, 0, input.length);
  for (const [fn, format] of [
    ['round_f16', 'f16'],
    ['round_e4m3', 'e4m3'],
  ] as const) {
    const output = new Uint32Array(input.length);
    const vectors = input.length / 4;
    const grid = [Math.ceil(vectors / THREADS), 1, 1] as const;
    const { faults } = run(unaryKernel(fn, true), { buffers: { input, output }, uniforms: { n: vectors }, grid });
    expect(faults).toEqual([]);
    expect(output).toEqual(new Uint32Array(Float32Array.from(values, (v) => round(v, format)).buffer));
  }
});
