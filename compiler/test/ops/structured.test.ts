/** The sequence and matrix ops against formulas written another way: sums over pairs of tokens, no carried state. */
import { TIME, dim, printType, tensor } from '../../src/graph/types.js';
import type { TensorType } from '../../src/graph/types.js';
import type { OpAttributes, OpName } from '../../src/ops/attributes.js';
import type { Reference } from '../../src/ops/op.js';
import { opDefinition } from '../../src/ops/table.js';
import { freshSegments } from '../../src/reference/evaluate.js';
import { expectClose } from '../support/close.js';
import { evaluateOp } from '../support/op.js';
import { random } from '../support/random.js';

const TIGHT = 1e-13;

/** Fills a tensor from a formula of its indices. */
function fill(shape: readonly number[], formula: (...index: number[]) => number): Reference {
  const size = shape.reduce((n, e) => n * e, 1);
  const data = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const index: number[] = [];
    for (let rest = i, axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    data[i] = formula(...index);
  }
  return { shape, data };
}

function at(x: Reference, ...index: number[]): number {
  return x.data[index.reduce((o, i, axis) => o * x.shape[axis]! + i, 0)]!;
}

const sum = (from: number, end: number, term: (i: number) => number): number => {
  let total = 0;
  for (let i = from; i < end; i++) total += term(i);
  return total;
};

/** The first token of the sequence that holds token t, for segments of these lengths. */
function startOf(t: number, lengths: readonly number[]): number {
  let start = 0;
  for (const length of lengths) {
    if (t < start + length) return start;
    start += length;
  }
  throw new RangeError('no such token');
}

describe('linear', () => {
  test.each([1, 2, 3, 4, 5, 9])('%i outputs, odd and even rows', (outputs) => {
    const { tensor: sample } = random(outputs);
    const [x, w, b] = [sample([3, 7]), sample([outputs, 7]), sample([outputs])];
    const types = [tensor([TIME, dim('i', 7)]), tensor([dim('o', outputs), dim('i', 7)]), tensor([dim('o', outputs)])];
    const { output } = evaluateOp(
      'linear',
      [x, w, b],
      { in: ['i'], out: [dim('o', outputs)] },
      types,
      freshSegments(3),
    );
    expectClose(
      output,
      fill([3, outputs], (t, o) => at(b, o) + sum(0, 7, (i) => at(w, o, i) * at(x, t, i))),
      TIGHT,
    );
  });

  test('contracts several dimensions in the order it names them, and keeps the others first', () => {
    const { tensor: sample } = random(5);
    const x = sample([2, 3, 4, 5]);
    const w = sample([2, 3, 5, 3]);
    const types = [
      tensor([TIME, dim('a', 3), dim('b', 4), dim('c', 5)]),
      tensor([dim('p', 2), dim('q', 3), dim('c', 5), dim('a', 3)]),
    ];
    const { output, type } = evaluateOp(
      'linear',
      [x, w],
      { in: ['c', 'a'], out: [dim('p', 2), dim('q', 3)] },
      types,
      freshSegments(2),
    );
    expect(printType(type)).toBe('f32[time, b: 4, p: 2, q: 3]');
    const expected = fill([2, 4, 2, 3], (t, b, p, q) =>
      sum(0, 3, (a) => sum(0, 5, (c) => at(w, p, q, c, a) * at(x, t, a, b, c))),
    );
    expectClose(output, expected, TIGHT);
  });
});

test('conv1d does not see other sequences', () => {
  const lengths = [5, 1, 3];
  const { tensor: sample } = random(7);
  const [x, w, b] = [sample([9, 4]), sample([4, 3]), sample([4])];
  const types = [tensor([TIME, dim('c', 4)]), tensor([dim('c', 4), dim('k', 3)]), tensor([dim('c', 4)])];
  const { output } = evaluateOp('conv1d', [x, w, b], { kernel: 3 }, types, freshSegments(...lengths));
  const expected = fill(
    [9, 4],
    (t, c) => at(b, c) + sum(0, 3, (k) => (t - 2 + k >= startOf(t, lengths) ? at(w, c, k) * at(x, t - 2 + k, c) : 0)),
  );
  expectClose(output, expected, TIGHT);
});

test('ssd is its dual form: a masked product of C and B', () => {
  const lengths = [6, 4];
  const { tensor: sample, uniform } = random(9);
  const [heads, head_dim, groups, state] = [4, 3, 2, 5];
  const x = sample([10, heads, head_dim]);
  const dt = sample([10, heads], () => uniform(0.01, 1));
  const A = sample([heads], () => -uniform(0.1, 4));
  const [B, C] = [sample([10, groups, state]), sample([10, groups, state])];
  const H = dim('heads', heads);
  const [G, N] = [dim('groups', groups), dim('state', state)];
  const types = [
    tensor([TIME, H, dim('d', head_dim)]),
    tensor([TIME, H]),
    tensor([H]),
    tensor([TIME, G, N]),
    tensor([TIME, G, N]),
  ];
  const { output } = evaluateOp(
    'ssd',
    [x, dt, A, B, C],
    { heads, head_dim, groups, state },
    types,
    freshSegments(...lengths),
  );
  // y_t = Σ_s (C_t · B_s) exp(A Σ_{s < r ≤ t} dt_r) dt_s x_s
  const expected = fill([10, heads, head_dim], (t, h, p) =>
    sum(startOf(t, lengths), t + 1, (s) => {
      const g = h < 2 ? 0 : 1;
      const product = sum(0, state, (n) => at(C, t, g, n) * at(B, s, g, n));
      const decay = Math.exp(at(A, h) * sum(s + 1, t + 1, (r) => at(dt, r, h)));
      return product * decay * at(dt, s, h) * at(x, s, h, p);
    }),
  );
  expectClose(output, expected, TIGHT);
});

describe('rope', () => {
  const frequencies = [1, 0.1, 0.01];
  const type = tensor([TIME, dim('heads', 2), dim('d', 8)]);
  test.each(['half', 'interleaved'] as const)('%s turns pairs as complex numbers', (pairing) => {
    const x = random(11).tensor([4, 2, 8]);
    const segments = [
      { start: 0, length: 3, position: 5 },
      { start: 3, length: 1, position: 0 },
    ];
    const { output } = evaluateOp('rope', [x], { frequencies, pairing, amplitude: 1.25 }, [type], segments);
    const expected = fill([4, 2, 8], (t, h, c) => {
      if (c >= 6) return at(x, t, h, c);
      const pair = pairing === 'half' ? c % 3 : Math.floor(c / 2);
      const [re, im] = pairing === 'half' ? [pair, pair + 3] : [2 * pair, 2 * pair + 1];
      const angle = [5, 6, 7, 0][t]! * frequencies[pair]!;
      const size = 1.25 * Math.hypot(at(x, t, h, re), at(x, t, h, im));
      const phase = Math.atan2(at(x, t, h, im), at(x, t, h, re)) + angle;
      return c === re ? size * Math.cos(phase) : size * Math.sin(phase);
    });
    expectClose(output, expected, 1e-12);
  });

  test('a score depends on the distance alone', () => {
    const [q, k] = [random(1).tensor([1, 1, 8]), random(2).tensor([1, 1, 8])];
    const turn = (x: Reference, position: number) =>
      evaluateOp(
        'rope',
        [x],
        { frequencies, pairing: 'half', amplitude: 1 },
        [tensor([TIME, dim('h', 1), dim('d', 8)])],
        [{ start: 0, length: 1, position }],
      ).output;
    const score = (i: number, j: number): number => sum(0, 8, (d) => turn(q, i).data[d]! * turn(k, j).data[d]!);
    expect(score(107, 100)).toBeCloseTo(score(7, 0), 12);
  });
});

describe('attend', () => {
  const lengths = [7, 1, 4];
  const { tensor: sample } = random(13);
  const [q, k, v] = [sample([12, 4, 3]), sample([12, 2, 3]), sample([12, 2, 5])];
  const types = [
    tensor([TIME, dim('heads', 4), dim('d', 3)]),
    tensor([TIME, dim('kv', 2), dim('d', 3)]),
    tensor([TIME, dim('kv', 2), dim('e', 5)]),
  ];
  const cases: [string, OpAttributes['attend']][] = [
    ['plain', { scale: 0.7 }],
    ['window', { scale: 0.7, window: 3 }],
    ['window of one', { scale: 0.7, window: 1 }],
    ['cap', { scale: 2, cap: 1.5 }],
    ['temperature after cap', { scale: 2, cap: 1.5, temperature: 0.5 }],
    ['clip', { scale: 2, clip: [1.03, -0.03] }],
    ['all', { scale: 2, window: 4, cap: 3, temperature: 2, clip: [1.1, -0.1] }],
  ];
  test.each(cases)('%s', (_name, attributes) => {
    const { scale, cap, window = Infinity, temperature = 1, clip } = attributes;
    const { output, type } = evaluateOp('attend', [q, k, v], attributes, types, freshSegments(...lengths));
    expect(printType(type)).toBe('f32[time, heads: 4, e: 5]');
    const score = (t: number, s: number, h: number): number => {
      const raw = scale * sum(0, 3, (d) => at(q, t, h, d) * at(k, s, h >> 1, d));
      return temperature * (cap === undefined ? raw : cap * Math.tanh(raw / cap));
    };
    const weight = (t: number, s: number, h: number): number => {
      const seen = s >= startOf(t, lengths) && s <= t && t - s < window;
      return seen ? Math.exp(score(t, s, h)) : 0;
    };
    const expected = fill([12, 4, 5], (t, h, e) => {
      const total = sum(0, 12, (s) => weight(t, s, h));
      return sum(0, 12, (s) => {
        const p = weight(t, s, h) / total;
        // Tokens outside the mask have no probability at all: clip does not raise or lower it.
        const clipped = clip === undefined || p === 0 ? p : Math.min(1, Math.max(0, (clip[0] - clip[1]) * p + clip[1]));
        return clipped * at(v, s, h >> 1, e);
      });
    });
    expectClose(output, expected, TIGHT);
  });

  test('large scores do not overflow', () => {
    const big = { shape: q.shape, data: q.data.map((x) => 1e4 * x) };
    const { output } = evaluateOp('attend', [big, k, v], { scale: 1e3 }, types, freshSegments(...lengths));
    expect(output.data.every(Number.isFinite)).toBe(true);
  });
});

describe('embed', () => {
  const types = [tensor([TIME], 'u32'), tensor([dim('vocab', 4), dim('width', 2)])];
  const table = fill([4, 2], (v, i) => 10 * v + i);
  test('looks rows up', () => {
    const tokens = { shape: [3], data: Float64Array.of(3, 0, 3) };
    expect([...evaluateOp('embed', [tokens, table], {}, types, freshSegments(3)).output.data]).toEqual([
      30, 31, 0, 1, 30, 31,
    ]);
  });
  test('refuses what is not in the vocabulary', () => {
    const tokens = { shape: [1], data: Float64Array.of(4) };
    expect(() => evaluateOp('embed', [tokens, table], {}, types, freshSegments(1))).toThrow(/token 4/);
  });
});

describe('spectral_norm', () => {
  const norm = (w: Reference, type: TensorType, rows: number): number =>
    evaluateOp('spectral_norm', [w], { rows }, [type], []).output.data[0]!;
  test('of a known matrix', () => {
    // Singular values of [[3, 0], [4, 5]] are sqrt(45) and sqrt(5).
    const w = { shape: [2, 2], data: Float64Array.of(3, 0, 4, 5) };
    expect(norm(w, tensor([dim('w', 2), dim('w', 2)]), 1)).toBeCloseTo(Math.sqrt(45), 13);
  });
  test('of a 2 x n matrix, by its closed form, with dimensions flattened', () => {
    const w = random(17).tensor([2, 3, 4]);
    const dot = (a: number, b: number): number => sum(0, 12, (i) => w.data[12 * a + i]! * w.data[12 * b + i]!);
    const [p, q, r] = [dot(0, 0), dot(1, 1), dot(0, 1)];
    const expected = Math.sqrt((p + q) / 2 + Math.sqrt(((p - q) / 2) ** 2 + r * r));
    expect(norm(w, tensor([dim('a', 2), dim('b', 3), dim('c', 4)]), 1)).toBeCloseTo(expected, 12);
  });
  test('of nothing', () => {
    expect(
      norm(
        fill([2, 2], () => 0),
        tensor([dim('a', 2), dim('b', 2)]),
        1,
      ),
    ).toBe(0);
  });
});

test('position counts from where each sequence is', () => {
  const segments = [
    { start: 0, length: 2, position: 40 },
    { start: 2, length: 3, position: 0 },
  ];
  expect([...evaluateOp('position', [], {}, [], segments).output.data]).toEqual([40, 41, 0, 1, 2]);
});

describe('shape rules say what is wrong', () => {
  const H = (n: number): TensorType => tensor([TIME, dim('h', n), dim('d', 4)]);
  const W = (...extents: number[]): TensorType => tensor(extents.map((e, i) => dim(`w${i}`, e)));
  const x = tensor([TIME, dim('c', 6)]);
  const sizes = { heads: 4, head_dim: 3, groups: 2, state: 5 };
  const ssdTypes = (h: number): TensorType[] => [
    tensor([TIME, dim('h', h), dim('d', 3)]),
    tensor([TIME, dim('h', 4)]),
    W(4),
    tensor([TIME, dim('g', 2), dim('n', 5)]),
    tensor([TIME, dim('g', 2), dim('n', 5)]),
  ];
  const wrong: [string, OpName, unknown, readonly TensorType[], RegExp][] = [
    ['missing dimension', 'linear', { in: ['z'], out: [dim('o', 2)] }, [x, W(2, 6)], /no dimension `z`/],
    ['weight', 'linear', { in: ['c'], out: [dim('o', 2)] }, [x, W(6, 2)], /weight has the wrong shape/],
    ['bias', 'linear', { in: ['c'], out: [dim('o', 2)] }, [x, W(2, 6), W(3)], /bias has the wrong shape/],
    ['time', 'linear', { in: ['time'], out: [dim('o', 2)] }, [x, W(2, 6)], /`time` cannot be contracted/],
    ['weight over time', 'linear', { in: ['c'], out: [dim('o', 2)] }, [x, x], /must not vary over time/],
    ['clash', 'linear', { in: ['d'], out: [dim('h', 2)] }, [H(4), W(2, 4)], /two dimensions are called `h`/],
    ['channels', 'conv1d', { kernel: 3 }, [x, W(5, 3)], /weight has the wrong shape/],
    ['rank', 'conv1d', { kernel: 3 }, [H(4), W(4, 3)], /x has the wrong shape/],
    ['kernel', 'conv1d', { kernel: 0 }, [x, W(6, 0)], /at least 1/],
    ['heads', 'ssd', sizes, ssdTypes(5), /x has the wrong shape/],
    ['groups', 'ssd', { ...sizes, groups: 3 }, ssdTypes(4), /multiple of groups/],
    ['too many pairs', 'rope', { frequencies: [1, 1, 1], pairing: 'half', amplitude: 1 }, [H(4)], /pairs of channels/],
    ['no time', 'rope', { frequencies: [1], pairing: 'half', amplitude: 1 }, [W(4)], /pairs of channels/],
    ['head counts', 'attend', { scale: 1 }, [H(4), H(3), H(3)], /multiple/],
    ['key heads', 'attend', { scale: 1 }, [H(4), H(4), H(2)], /value has the wrong shape/],
    ['window', 'attend', { scale: 1, window: 0 }, [H(4), H(4), H(4)], /window/],
    ['cap', 'attend', { scale: 1, cap: -1 }, [H(4), H(4), H(4)], /cap/],
    ['tokens', 'embed', {}, [tensor([TIME]), W(5, 2)], /looks tokens up/],
    ['vector', 'spectral_norm', { rows: 1 }, [W(5)], /needs a matrix/],
  ];
  test.each(wrong)('%s of %s', (_name, op, attributes, types, message) => {
    expect(() => opDefinition(op).infer(types, attributes as never)).toThrow(message);
  });
});
