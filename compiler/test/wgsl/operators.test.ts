/** Each float operator and function of the language on the adapter and in the interpreter, within WGSL's accuracy. */
import { KernelBuilder } from '@hyb/compiler/kernel/build';
import { run } from '@hyb/compiler/kernel/check/index';
import * as x from '@hyb/compiler/kernel/expressions';
import type { Expression, Kernel } from '@hyb/compiler/kernel/ir';
import { verifyKernel } from '@hyb/compiler/kernel/verify';
import { kernelDevice, runOnDevice } from '../support/kernel-device.js';
import { random } from '../support/random.js';

const THREADS = 32;
const t = x.builtin('local_index');

type Vec = (a: Expression, b: Expression, c: Expression) => Expression;

function elementwise(name: string, of: Vec): Kernel {
  const b = new KernelBuilder();
  const inputs = ['a', 'b', 'c'].map((n) => b.buffer(n, 'vec4f', 'read', n));
  const y = b.buffer('y', 'vec4f', 'read_write', 'y');
  const i = b.let('i', x.add(x.mul(x.builtin('workgroup_x'), THREADS), t));
  y.set(i, of(inputs[0]!.at(i), inputs[1]!.at(i), inputs[2]!.at(i)));
  return b.finish({ name, doc: name, workgroupSize: [THREADS, 1, 1] });
}

const ulp = (v: number): number => 2 ** (Math.floor(Math.log2(Math.max(Math.abs(v), 2 ** -126))) - 23);

interface Case {
  readonly name: string;
  readonly of: Vec;
  /** Ranges of the arguments. */
  readonly a: readonly [number, number];
  readonly b?: readonly [number, number];
  /** Largest difference from the interpreter, which is correctly rounded: WGSL §15.7.4. */
  readonly bound: (result: number, a: number, b: number, c: number) => number;
}

const WIDE = [-1e6, 1e6] as const;
/** What is correctly rounded may be rounded either way. */
const rounded = (v: number): number => ulp(v);

const CASES: readonly Case[] = [
  { name: 'add', of: x.add, a: WIDE, bound: rounded },
  { name: 'sub', of: x.sub, a: WIDE, bound: rounded },
  { name: 'mul', of: x.mul, a: WIDE, bound: rounded },
  { name: 'div', of: x.div, a: WIDE, b: [1e-3, 1e3], bound: (v) => 2.5 * ulp(v) },
  // x - y * trunc(x / y): the quotient may be off by one where it is nearly whole, so keep away from that.
  {
    name: 'mod',
    of: (a, b) => x.mod(x.call('floor', a), x.add(x.call('floor', b), 0.5)),
    a: [0, 100],
    b: [1, 9],
    bound: () => 1e-4,
  },
  { name: 'fma', of: (a, b, c) => x.call('fma', a, b, c), a: WIDE, bound: (v, a, b) => ulp(v) + ulp(a * b) },
  { name: 'min', of: x.min, a: WIDE, bound: () => 0 },
  { name: 'max', of: x.max, a: WIDE, bound: () => 0 },
  {
    name: 'clamp',
    of: (a, b) => x.call('clamp', a, x.neg(x.call('abs', b)), x.call('abs', b)),
    a: WIDE,
    bound: () => 0,
  },
  { name: 'abs', of: (a) => x.call('abs', a), a: WIDE, bound: () => 0 },
  { name: 'neg', of: x.neg, a: WIDE, bound: () => 0 },
  { name: 'sign', of: (a) => x.call('sign', a), a: WIDE, bound: () => 0 },
  { name: 'floor', of: (a) => x.call('floor', a), a: WIDE, bound: () => 0 },
  { name: 'exp', of: x.exp, a: [-80, 80], bound: (v, a) => (3 + 2 * Math.abs(a)) * ulp(v) },
  { name: 'log', of: (a) => x.call('log', a), a: [1e-6, 1e6], bound: (v) => Math.max(3 * ulp(v), 2 ** -21) },
  { name: 'rsqrt', of: (a) => x.call('rsqrt', a), a: [1e-6, 1e6], bound: (v) => 2 * ulp(v) },
  { name: 'sqrt', of: (a) => x.call('sqrt', a), a: [1e-6, 1e6], bound: (v) => 5 * ulp(v) },
  { name: 'sin', of: (a) => x.call('sin', a), a: [-Math.PI, Math.PI], bound: () => 2 ** -11 },
  { name: 'cos', of: (a) => x.call('cos', a), a: [-Math.PI, Math.PI], bound: () => 2 ** -11 },
  { name: 'tanh', of: (a) => x.call('tanh', a), a: [-9, 9], bound: () => 1e-5 },
  // exp2(b log2(a)): log2 has 3 ulp or 2^-21, exp2 3 + 2 |x| ulp.
  {
    name: 'pow', of: (a, b) => x.call('pow', a, b), a: [0.1, 10], b: [-4, 4],
    bound: (v, a, b) => (8 + 4 * Math.abs(b * Math.log2(a)) + 8 * Math.abs(b)) * ulp(v),
  }, // prettier-ignore
  {
    name: 'dot', of: (a, b) => x.vector('vec4f', x.dot(a, b)), a: [-9, 9],
    bound: () => 8 * ulp(4 * 81),
  }, // prettier-ignore
  {
    name: 'f16 pairs',
    of: (a) => {
      const xy = x.call(
        'unpack2x16float',
        x.call('pack2x16float', x.vector('vec2f', x.component(a, 0), x.component(a, 1))),
      );
      return x.vector('vec4f', x.component(xy, 0), x.component(xy, 1), x.component(xy, 0), x.component(xy, 1));
    },
    a: [-60_000, 60_000],
    // To f16 either way.
    bound: (v) => Math.max(2 ** -14, Math.abs(v)) * 2 ** -10,
  },
  { name: 'scalar times vector', of: (a, b) => x.mul(x.component(b, 2), a), a: WIDE, bound: rounded },
];

test.each(CASES)('$name', async ({ name, of, a: range, b: second, bound }) => {
  const kernel = elementwise(name.replaceAll(' ', '_'), of);
  expect(verifyKernel(kernel)).toEqual([]);
  const numbers = random(name.length);
  const groups = 16;
  const make = ([low, high]: readonly [number, number]): Float32Array =>
    Float32Array.from({ length: groups * THREADS * 4 }, () => numbers.uniform(low, high));
  const inputs = { a: make(range), b: make(second ?? range), c: make(range) };
  const expected = { ...inputs, y: new Float32Array(inputs.a.length) };
  const found = { ...inputs, y: new Float32Array(inputs.a.length) };
  expect(run(kernel, { buffers: expected, grid: [groups, 1, 1] }).faults).toEqual([]);
  await runOnDevice(kernel, { buffers: found, grid: [groups, 1, 1] });
  const wrong: unknown[] = [];
  expected.y.forEach((v, i) => {
    const [a, b, c] = [inputs.a[i]!, inputs.b[i]!, inputs.c[i]!];
    if (!(Math.abs(found.y[i]! - v) <= bound(v, a, b, c))) wrong.push({ a, b, c, expected: v, found: found.y[i] });
  });
  expect(wrong.slice(0, 3)).toEqual([]);
});

test.each(['add', 'max', 'min', 'shuffle_xor', 'shuffle_down', 'broadcast', 'broadcast_first'] as const)(
  'subgroup %s',
  async (operation) => {
    const device = await kernelDevice();
    if (!device.features.has('subgroups')) return;
    const b = new KernelBuilder();
    const y = b.buffer('y', 'u32', 'read_write', 'results, then sizes');
    const takesLane = operation.startsWith('shuffle') || operation === 'broadcast';
    const own = x.bitXor(x.mul(t, 37), 21);
    const value = b.let('value', x.subgroup(operation, own, takesLane ? 1 : undefined));
    // The last lane has nobody to shuffle down from.
    const lane = x.builtin('subgroup_lane');
    const last = x.eq(x.add(lane, 1), x.builtin('subgroup_size'));
    y.set(t, operation === 'shuffle_down' ? x.select(last, 0, value) : value);
    y.set(x.add(t, THREADS), x.builtin('subgroup_size'));
    const kernel = b.finish({ name: 'subgroups', doc: '', workgroupSize: [THREADS, 1, 1], requires: ['subgroups'] });
    expect(verifyKernel(kernel)).toEqual([]);
    const found = { y: new Uint32Array(2 * THREADS) };
    await runOnDevice(kernel, { buffers: found, grid: [1, 1, 1] });
    const expected = { y: new Uint32Array(2 * THREADS) };
    const { faults } = run(kernel, { buffers: expected, grid: [1, 1, 1], subgroupSize: found.y[THREADS]! });
    expect(faults).toEqual([]);
    expect(found).toEqual(expected);
  },
);
