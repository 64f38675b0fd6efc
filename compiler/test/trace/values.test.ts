/** What bodies compute, against plain formulas on arrays: each built-in function and rule of the language once. */
import type { Reference } from '../../src/ops/op.js';
import { evaluateGraph, freshSegments } from '../../src/reference/evaluate.js';
import { expectClose } from '../support/close.js';
import { random } from '../support/random.js';
import { layerSource, traced } from '../support/source.js';

const TOKENS = 5;
const WIDTH = 8;
/** f64 sums of a handful of numbers in another order. */
const EXACT = 1e-14;

const { tensor } = random(1);
const x = tensor([TOKENS, WIDTH]);
const rows: readonly (readonly number[])[] = Array.from({ length: TOKENS }, (_, t) => [
  ...x.data.subarray(t * WIDTH, (t + 1) * WIDTH),
]);

/** The block's result on `x`, without the residual. */
function run(body: string, declarations = '', parameters: Readonly<Record<string, Reference>> = {}): Reference {
  const block = `block Body(x: [time, width]) -> [time, width] {\n${body}\n}`;
  const { graph } = traced(layerSource(`use std.{RMSNorm}\n${declarations}\n${block}`, 'Body'));
  const layer = graph.graphs.find((g) => g.name === 'B')!;
  const { output } = evaluateGraph(layer, {
    x,
    parameters: new Map(Object.entries(parameters)),
    segments: freshSegments(TOKENS),
  });
  return { shape: output.shape, data: output.data.map((value, i) => value - x.data[i]!) };
}

function expectRows(actual: Reference, each: (row: readonly number[], t: number) => readonly number[]): void {
  const data = Float64Array.from(rows.flatMap((row, t) => [...each(row, t)]));
  expectClose(actual, { shape: [TOKENS, WIDTH], data }, EXACT);
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

test.each<readonly [string, (row: readonly number[], t: number) => readonly number[]]>([
  ['return x + 1', (row) => row.map((v) => v + 1)],
  ['return 2 - x / 4', (row) => row.map((v) => 2 - v / 4)],
  ['return x ** 2', (row) => row.map((v) => v * v)],
  ['return x ** 3', (row) => row.map((v) => v ** 3)],
  ['return x ** 7', (row) => row.map((v) => v ** 7)],
  ['return (1 + x ** 2) ** (-1)', (row) => row.map((v) => 1 / (1 + v * v))],
  ['return (1 + x ** 2) ** 0.5', (row) => row.map((v) => Math.sqrt(1 + v * v))],
  ['return (1 + x ** 2) ** (-0.5)', (row) => row.map((v) => 1 / Math.sqrt(1 + v * v))],
  ['return (1 + x ** 2) ** 1.5', (row) => row.map((v) => (1 + v * v) ** 1.5)],
  ['return 2 ** x', (row) => row.map((v) => 2 ** v)],
  ['return -x', (row) => row.map((v) => -v)],
  ['return x div 0.5', (row) => row.map((v) => Math.floor(v / 0.5))],
  ['return x % 0.5', (row) => row.map((v) => v - 0.5 * Math.floor(v / 0.5))],
  ['return where(x > 0.5 or x <= -0.5, x, 0)', (row) => row.map((v) => (v > 0.5 || v <= -0.5 ? v : 0))],
  ['return where(not (x < 0) and x != 2, 1, -1)', (row) => row.map((v) => (v >= 0 ? 1 : -1))],
  ['return max(x, 0, 0.25)', (row) => row.map((v) => Math.max(v, 0.25))],
  ['return clamp(x, (-0.5, inf))', (row) => row.map((v) => Math.max(v, -0.5))],
  ['return clamp(x, -inf, 0.5)', (row) => row.map((v) => Math.min(v, 0.5))],
  ['return ceil(x) + round(x)', (row) => row.map((v) => Math.ceil(v) + Math.floor(v + 0.5))],
  ['return x * sqrt(width) / log(exp(3))', (row) => row.map((v) => (v * Math.sqrt(8)) / 3)],
  ['return x * max(2, 3) + abs(-1)', (row) => row.map((v) => v * 3 + 1)],
  ['return x - mean(x, width)', (row) => row.map((v) => v - sum(row) / WIDTH)],
  ['return x * amax(x, width) + amin(x, width)', (row) => row.map((v) => v * Math.max(...row) + Math.min(...row))],
  ['return softmax(x, width)', (row) => row.map((v) => Math.exp(v) / sum(row.map(Math.exp)))],
  ['return x * dot(x, x + 1, width)', (row) => row.map((v) => v * sum(row.map((w) => w * (w + 1))))],
  ['return x + position()', (row, t) => row.map((v) => v + t)],
  [
    'dim half = width div 2\nlet (a, b) = split(x, half, half)\nreturn concat(b, -a, width)',
    (row) => [...row.slice(4), ...row.slice(0, 4).map((v) => -v)],
  ],
  [
    'dim rows = 2\ndim columns = 4\nlet m = x as [time, rows, columns]\nreturn transpose(m, columns, rows) as [time, width]',
    (row) => [0, 1, 2, 3].flatMap((j) => [row[j]!, row[4 + j]!]),
  ],
  [
    'dim other = width\nlet y = rename(x, width -> other)\nreturn sum(x * y * (x + y), other)',
    (row) => row.map((v) => sum(row.map((w) => v * w * (v + w)))),
  ],
])('%s', (body, each) => {
  expectRows(run(body), each);
});

test('functions: by place, by name, partial, as arguments, with shapes and bodies', () => {
  const functions = `
    fn leaky(x, slope) = where(x > 0, x, slope * x)
    fn twice(f, x) = f(f(x))
    fn norm2(x: [time, d]) -> [time] { let squares = x ** 2  return sum(squares, d) }
    fn halved(x: [..., d]) -> [..., d] { require d % 2 == 0, "d is even"  dim half = d div 2
      return x * half / d }`;
  const leaky = (v: number): number => (v > 0 ? v : 0.1 * v);
  expectRows(run('return leaky(x, 0.1)', functions), (row) => row.map(leaky));
  expectRows(run('return leaky(slope = 0.1, x = x)', functions), (row) => row.map(leaky));
  expectRows(run('let f = leaky(slope = 0.1)\nreturn twice(f, x)', functions), (row) =>
    row.map((v) => leaky(leaky(v))),
  );
  expectRows(run('return twice(tanh, x)', functions), (row) => row.map((v) => Math.tanh(Math.tanh(v))));
  expectRows(run('return x * norm2(x)', functions), (row) => row.map((v) => v * sum(row.map((w) => w * w))));
  expectRows(run('return halved(x)', functions), (row) => row.map((v) => v / 2));
});

test('linear maps: several dimensions, bias, weights as tensors', () => {
  const weight = tensor([2, 4, WIDTH]);
  const bias = tensor([2, 4]);
  const at = (i: number): readonly number[] => [...weight.data.subarray(i * WIDTH, (i + 1) * WIDTH)];
  const apply = (row: readonly number[]): number[] =>
    Array.from({ length: 8 }, (_, i) => sum(row.map((v, k) => v * at(i)[k]!)) + bias.data[i]!);
  const parameters = { 'map.weight': weight, 'map.bias': bias };
  const declared = 'dim a = 2\ndim b = 4\nparam map = linear(width -> (a, b), bias = true)';
  expectRows(run(`${declared}\nreturn map(x) as [time, width]`, '', parameters), apply);
  expectRows(run(`${declared}\nreturn (map(x) - map.bias) as [time, width]`, '', parameters), (row) =>
    apply(row).map((v, i) => v - bias.data[i]!),
  );
});

test('sigma divides by the spectral norm, which power iteration finds, and multiplies by gamma', () => {
  const weight = tensor([WIDTH, WIDTH]);
  const at = (i: number): readonly number[] => [...weight.data.subarray(i * WIDTH, (i + 1) * WIDTH)];
  const times = (v: readonly number[]): number[] =>
    Array.from({ length: WIDTH }, (_, i) => sum(v.map((w, k) => w * at(i)[k]!)));
  const back = (v: readonly number[]): number[] =>
    Array.from({ length: WIDTH }, (_, k) => sum(v.map((w, i) => w * at(i)[k]!)));
  let direction: number[] = Array.from({ length: WIDTH }, (_, i) => 1 + i / 10);
  let largest = 0;
  for (let i = 0; i < 5000; i++) {
    const next = back(times(direction));
    const length = Math.sqrt(sum(next.map((v) => v * v)));
    largest = Math.sqrt(length);
    direction = next.map((v) => v / length);
  }
  const gamma: Reference = { shape: [], data: Float64Array.of(1.7) };
  const result = run('param map = linear(width -> width, sigma = true)\nreturn map(x)', '', {
    'map.weight': weight,
    'map.gamma': gamma,
  });
  const expected = Float64Array.from(rows.flatMap((row) => times(row).map((v) => (v * 1.7) / largest)));
  expectClose(result, { shape: [TOKENS, WIDTH], data: expected }, 1e-10);
});

test('norms: the caller may call its dimensions what it likes, and two norms have two weights', () => {
  const weights = { 'inner.a.weight': tensor([WIDTH]), 'inner.b.weight': tensor([WIDTH]) };
  const rms = (row: readonly number[], weight: Reference): number[] =>
    row.map((v, i) => (v / Math.sqrt(sum(row.map((w) => w * w)) / WIDTH + 1e-5)) * weight.data[i]!);
  const body = 'slot inner = RMSNorm\nlet a = inner(x)\nlet b = inner(2 * x)\nreturn a + b';
  expectRows(run(body, '', weights), (row) => {
    const b = rms(
      row.map((v) => 2 * v),
      weights['inner.b.weight'],
    );
    return rms(row, weights['inner.a.weight']).map((v, i) => v + b[i]!);
  });
});

test("a norm's own dimensions do not mix with those of its argument", () => {
  // The argument has a dimension called `groups` that is not the norm's.
  const norm = `norm Grouped(groups: int)(x: [..., d]) -> [..., d] {
    dim size = d div groups
    let g = x as [..., groups, size]
    return (g - mean(g, size)) as [..., d]
  }`;
  const body =
    'dim groups = 2\ndim d = 4\nslot inner = Grouped(2)\nreturn inner(x as [time, groups, d]) as [time, width]';
  expectRows(run(body, norm), (row) =>
    [0, 1, 2, 3].flatMap((i) => {
      const pair = row.slice(2 * i, 2 * i + 2);
      return pair.map((v) => v - sum(pair) / 2);
    }),
  );
});

test('blocks in blocks have weights of their own', () => {
  const inner = `block Scale(by: float = 2)(x: [time, width]) -> [time, width] {
    param gain: [width] = 1
    return by * x * gain
  }`;
  const gains = { 'a.gain': tensor([WIDTH]), 'b.gain': tensor([WIDTH]) };
  expectRows(run('param a = Scale\nparam b = Scale(by = 3)\nreturn b(a(x))', inner, gains), (row) =>
    row.map((v, i) => 6 * v * gains['a.gain'].data[i]! * gains['b.gain'].data[i]!),
  );
});

test('scans: several states, earlier tokens, parameters, states of other shapes, functions inside', () => {
  const body = `
    param decay: [width] = 0.5
    dim pairs = 4
    let halves = x as [time, pairs, 2]
    let y = scan (t in time, state h: [width] = 0, state total: [pairs] = 1) {
      total = total + sum(halves[t], 2)
      h = blend(h, x[t] + x[t - 1], decay)
      yield h * sum(total, pairs)
    }
    return y`;
  const decay = tensor([WIDTH], () => 0.3);
  let h: number[] = Array.from({ length: WIDTH }, () => 0);
  let total = 4;
  expectRows(run(body, 'fn blend(a, b, w) = w * a + (1 - w) * b', { decay }), (row, t) => {
    total += sum(row);
    h = h.map((v, i) => 0.3 * v + 0.7 * (row[i]! + (t > 0 ? rows[t - 1]![i]! : 0)));
    return h.map((v) => v * total);
  });
});

test('a state may be permuted or lack dimensions where it is set', () => {
  const body = `
    dim a = 2
    dim b = 4
    let m = x as [time, a, b]
    return scan (t in time, state S: [b, a] = 0, state s: [a, b] = 0) {
      S = S + m[t]
      s = sum(m[t], b)
      yield transpose(S, a, b) + s
    } as [time, width]`;
  const running: number[] = Array.from({ length: WIDTH }, () => 0);
  expectRows(run(body), (row) => {
    row.forEach((v, i) => (running[i]! += v));
    return running.map((v, i) => v + sum(row.slice(i < 4 ? 0 : 4, i < 4 ? 4 : 8)));
  });
});
