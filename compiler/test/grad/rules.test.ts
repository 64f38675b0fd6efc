/** Every gradient rule of the op table against central differences. */
import { createGraphBuilder } from '../../src/graph/builder.js';
import { createBodyBuilder } from '../../src/graph/body-builder.js';
import type { LayerGraphBuilder } from '../../src/graph/builder.js';
import type { NodeId } from '../../src/graph/graph.js';
import { TIME, dim, tensor } from '../../src/graph/types.js';
import { differentiate } from '../../src/grad/differentiate.js';
import type { BinaryName, OpAttributes, OpName, UnaryName } from '../../src/ops/attributes.js';
import { BINARY, REDUCTIONS, UNARY } from '../../src/ops/attributes.js';
import { OPS } from '../../src/ops/table.js';
import { evaluateGraph, freshSegments } from '../../src/reference/evaluate.js';
import { checkGradients, fixed, overTime } from '../support/difference.js';
import type { Operand } from '../support/difference.js';
import { correcting, leaky } from '../support/scans.js';
import type { Random } from '../support/random.js';

type Build = (b: LayerGraphBuilder, nodes: readonly NodeId[]) => NodeId;
const covered = new Set<OpName>();

/** A test of one op on operands. */
function rule<N extends OpName>(name: string, op: N, operands: readonly Operand[], attributes: OpAttributes[N]): void {
  covered.add(op);
  test(name, () => {
    checkGradients(operands, (b, nodes) => b.add(op, nodes, attributes));
  });
}

const positive = (r: Random): number => r.uniform(0.3, 2);
const D = (name: string, extent: number) => dim(name, extent);

describe('element-wise', () => {
  const differentiable = (name: UnaryName | BinaryName): boolean => OPS[name].gradient !== undefined;
  const domain: Partial<Record<UnaryName, Operand['sample']>> = { log: positive, sqrt: positive, rsqrt: positive };
  for (const name of UNARY.filter(differentiable)) rule(name, name, [overTime({ a: 3 }, domain[name])], {});
  for (const name of BINARY.filter(differentiable)) {
    const sample = name === 'pow' || name === 'div' ? positive : undefined;
    rule(`${name}, one shape`, name, [overTime({ a: 2, b: 3 }, sample), overTime({ a: 2, b: 3 }, sample)], {});
    rule(`${name}, a parameter repeated`, name, [fixed([D('b', 3)], sample), overTime({ a: 2, b: 3 }, sample)], {});
    rule(`${name}, another order`, name, [overTime({ a: 2, b: 3 }, sample), overTime({ b: 3, a: 2 }, sample)], {});
    rule(`${name}, two new dimensions`, name, [overTime({ a: 2 }, sample), fixed([D('b', 3)], sample)], {});
    rule(`${name}, a scalar`, name, [overTime({ a: 2 }, sample), fixed([], sample)], {});
    rule(`${name}, weights`, name, [fixed([D('w', 3), D('w', 3)], sample), fixed([], sample)], {});
  }
  test('comparisons, logic and floor pass nothing on', () => {
    const none = [...UNARY, ...BINARY].filter((name) => !differentiable(name));
    expect(none).toEqual(['floor', 'not', 'less', 'less_equal', 'equal', 'and', 'or']);
  });

  test('negative numbers to a whole power', () => {
    checkGradients([overTime({ a: 3 }, (r) => -positive(r))], (b, [x]) => b.add('pow', [x!, b.constant(3)], {}));
  });

  covered.add('where');
  test('where', () => {
    checkGradients([overTime({ a: 3 }), overTime({ a: 3 }), fixed([D('a', 3)])], (b, [c, x, y]) =>
      b.add('where', [b.add('less', [c!, b.constant(0)], {}), x!, y!], {}),
    );
  });

  test('the untaken side of where does not leak NaN or infinity', () => {
    // sqrt(max(x, 0)) has an infinite slope at 0, guarded here by where.
    const b = createGraphBuilder({ width: 1 });
    const x = b.input('x');
    const safe = b.add('less', [b.constant(0), x], {});
    const graph = b.finish('T', b.add('sqrt', [b.add('where', [safe, x, b.constant(1)], {})], {}));
    const joint = differentiate(graph);
    const one = { shape: [1, 1], data: Float64Array.of(1) };
    const feed = {
      x: { shape: [1, 1], data: Float64Array.of(-1) },
      gradient: one,
      parameters: new Map(),
      segments: freshSegments(1),
    };
    expect(evaluateGraph(joint, feed).values[joint.gradients.input!]!.data[0]).toBe(0);
  });

  covered.add('cast');
  test('cast lets the gradient through', () => {
    const b = createGraphBuilder({ width: 2 });
    const graph = b.finish('T', b.add('cast', [b.add('mul', [b.input('x'), b.constant(3)], {})], { to: 'bf16' }));
    const joint = differentiate(graph);
    const gradient = { shape: [1, 2], data: Float64Array.of(1, -2) };
    const feed = {
      x: { shape: [1, 2], data: Float64Array.of(1, 2) },
      gradient,
      parameters: new Map(),
      segments: freshSegments(1),
    };
    expect([...evaluateGraph(joint, feed).values[joint.gradients.input!]!.data]).toEqual([3, -6]);
  });

  test('max shares the gradient between equals, as amax does', () => {
    const b = createGraphBuilder({ width: 2 });
    const x = b.input('x');
    const largest = b.add('amax', [x], { dims: ['width'] });
    const graph = b.finish('T', b.add('mul', [b.add('max', [x, b.constant(1)], {}), largest], {}));
    const joint = differentiate(graph);
    const ones = { shape: [1, 2], data: Float64Array.of(1, 1) };
    const feed = { x: ones, gradient: ones, parameters: new Map(), segments: freshSegments(1) };
    // Each of two: 1/2 from its own max, 1/2 of the gradient 2 of the largest.
    expect([...evaluateGraph(joint, feed).values[joint.gradients.input!]!.data]).toEqual([1.5, 1.5]);
  });
});

describe('reductions and views', () => {
  const x = overTime({ a: 2, b: 3 });
  for (const name of REDUCTIONS) {
    rule(`${name} of the last`, name, [x], { dims: ['b'] });
    rule(`${name} of several`, name, [x], { dims: ['b', 'a'] });
    rule(`${name} of a parameter`, name, [fixed([D('a', 2), D('b', 3)])], { dims: ['a'] });
  }
  rule('reshape', 'reshape', [x], { dims: [TIME, D('c', 6)] });
  rule('rename', 'rename', [x], { names: { a: 'b', b: 'a' } });
  rule('slice', 'slice', [x], { dim: 'b', start: 1, end: 3, name: 'c' });
  rule('pad', 'pad', [x], { dim: 'b', before: 2, after: 1, name: 'c' });
  rule('concat', 'concat', [x, overTime({ a: 2, b: 1 }), x], { dim: 'b', name: 'c' });
  rule('transpose', 'transpose', [x], { order: ['time', 'b', 'a'] });
  rule('broadcast', 'broadcast', [overTime({ b: 3 })], { dims: [TIME, D('a', 2), D('b', 3)] });
  rule('broadcast over time', 'broadcast', [fixed([D('b', 3)])], { dims: [TIME, D('b', 3), D('c', 2)] });
});

describe('linear and its kin', () => {
  const weight = fixed([D('o', 2), D('i', 3)]);
  rule('linear', 'linear', [overTime({ i: 3 }), weight, fixed([D('bias', 2)])], { in: ['i'], out: [D('o', 2)] });
  rule('square, of one name', 'linear', [overTime({ width: 3 }), fixed([D('width', 3), D('width', 3)])], {
    in: ['width'],
    out: [D('width', 3)],
  });
  rule(
    'several dimensions, moved',
    'linear',
    [
      overTime({ a: 2, b: 3, c: 2 }),
      fixed([D('p', 2), D('q', 3), D('c', 2), D('a', 2)]),
      fixed([D('p', 2), D('q', 3)]),
    ],
    { in: ['c', 'a'], out: [D('p', 2), D('q', 3)] },
  );
  covered.add('embed');
  test('embed', () => {
    const table = fixed([D('vocab', 5), D('width', 2)]);
    checkGradients([table], (b, [p]) => b.add('embed', [b.input('tokens'), p!], {}), {
      tokens: [0, 3, 3, 1, 3, 0, 2, 2],
    });
  });
  rule('spectral_norm', 'spectral_norm', [fixed([D('a', 3), D('b', 2), D('c', 2)])], { rows: 1 });
  test('a linear with its weight reparametrised by its spectral norm', () => {
    const operands = [overTime({ width: 4 }), fixed([D('width', 4), D('width', 4)]), fixed([])];
    checkGradients(operands, (b, [x, w, gamma]) => {
      const factor = b.add('div', [gamma!, b.add('spectral_norm', [w!], { rows: 1 })], {});
      return b.add('linear', [x!, b.add('mul', [w!, factor], {})], { in: ['width'], out: [D('width', 4)] });
    });
  });
});

describe('over time', () => {
  rule('conv1d', 'conv1d', [overTime({ c: 2 }), fixed([D('c', 2), D('k', 3)]), fixed([D('bias', 2)])], { kernel: 3 });
  rule('conv1d longer than a sequence', 'conv1d', [overTime({ c: 2 }), fixed([D('c', 2), D('k', 6)])], { kernel: 6 });
  rule('conv1d of one token', 'conv1d', [overTime({ c: 2 }), fixed([D('c', 2), D('k', 1)])], { kernel: 1 });
  rule(
    'ssd',
    'ssd',
    [
      overTime({ h: 4, d: 2 }),
      overTime({ h: 4 }, (r) => r.uniform(0.1, 1)),
      fixed([D('h', 4)], (r) => -r.uniform(0.2, 2)),
      overTime({ g: 2, n: 3 }),
      overTime({ g: 2, n: 3 }),
    ],
    { heads: 4, head_dim: 2, groups: 2, state: 3 },
  );
  const turns = { frequencies: [1, 0.3], amplitude: 1.2 };
  rule('rope, halves', 'rope', [overTime({ h: 2, d: 5 })], { ...turns, pairing: 'half' });
  rule('rope, interleaved', 'rope', [overTime({ h: 2, d: 5 })], { ...turns, pairing: 'interleaved' });
  const qkv = [overTime({ h: 4, d: 3 }), overTime({ kv: 2, d: 3 }), overTime({ kv: 2, e: 2 })];
  rule('attend', 'attend', qkv, { scale: 0.6 });
  rule('attend, window', 'attend', qkv, { scale: 0.6, window: 2 });
  rule('attend, cap and temperature', 'attend', qkv, { scale: 1.3, cap: 1.5, temperature: 0.5 });
  rule('attend, clip', 'attend', qkv, { scale: 1.5, clip: [1.03, -0.03] });
});

describe('scan', () => {
  covered.add('scan');
  const scanned = (operands: readonly Operand[], build: Build): void => {
    const graph = checkGradients(operands, build);
    expect(graph.nodes.some((node) => node.op === 'scan')).toBe(true);
  };
  test('the leaky average', () => {
    scanned([overTime({ width: 3 }), fixed([D('width', 3), D('width', 3)])], (b, [x, gate]) =>
      leaky(3)({ ...b, parameter: () => gate! }, x!),
    );
  });

  test('the delta rule with a shifted read, a counter and a repeated initial value', () => {
    // The parameters are those of the mixer; checkGradients only feeds its own, so they come as operands here.
    const d = 2;
    const names = ['q', 'k', 'v', 'alpha', 'beta'];
    const dims = { q: 'key', k: 'key', v: 'value', alpha: 'd', beta: 'd' } as Record<string, string>;
    const operands = [
      overTime({ width: 3 }),
      ...names.map((name) => fixed([D(dims[name]!, d), D('width', 3)])),
      fixed([D('value', d)]),
      fixed([D('value', d)]),
      fixed([D('width', 3), D('value', d)]),
    ];
    scanned(operands, (b, [x, ...weights]) => {
      const paths = [...names.map((name) => `${name}.weight`), 'initial', 'offset', 'out.weight'];
      const given = new Map(paths.map((path, i) => [path, weights[i]!]));
      return correcting(3, d)({ ...b, parameter: ({ path }) => given.get(path)! }, x!);
    });
  });

  test('a state that nothing reads, a value read at two offsets, a square root of a sum', () => {
    scanned([overTime({ a: 2 }, positive), fixed([D('a', 2)], positive)], (b, [x, p]) => {
      const body = createBodyBuilder([tensor([D('a', 2)]), tensor([])], [b.typeOf(x!), b.typeOf(p!)]);
      const reads = body.add('mul', [body.input(0, 1), body.add('add', [body.input(0), body.input(0, 3)], {})], {});
      const next = body.add('tanh', [body.add('add', [body.state(0), reads], {})], {});
      const total = body.add('sum', [body.add('mul', [next, next], {})], { dims: ['a'] });
      const root = body.add('sqrt', [body.add('add', [total, body.constant(1)], {})], {});
      const yields = body.add('div', [body.add('mul', [next, body.input(1)], {}), root], {});
      const unread = body.add('add', [body.state(1), body.constant(1)], {});
      return b.add('scan', [p!, b.constant(0), x!, p!], { body: body.finishBody([next, unread], yields) });
    });
  });
});

test('every op with a gradient rule is covered, and every op without one is known', () => {
  const without = (Object.keys(OPS) as OpName[]).filter((name) => OPS[name].gradient === undefined);
  expect(without.sort()).toEqual(
    [
      ...['floor', 'not', 'less', 'less_equal', 'equal', 'and', 'or', 'kept', 'stack', 'attend_probe'],
      ...(Object.keys(OPS) as OpName[]).filter((name) => name.endsWith('_gradient')),
    ].sort(),
  );
  const leaves: readonly OpName[] = ['parameter', 'input', 'constant', 'position'];
  const missing = (Object.keys(OPS) as OpName[]).filter(
    (n) => !covered.has(n) && !without.includes(n) && !leaves.includes(n),
  );
  expect(missing).toEqual([]);
});
