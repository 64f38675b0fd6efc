import { check, explainPrecision, memoryHost, precisionOf } from '@hyb/compiler';
import type { Model, PrecisionPlace } from '@hyb/compiler';
import { codes, compile, model, render } from '../support/compile.js';

function source(...rules: readonly string[]): string {
  return `use std.{Attention, LayerNorm, Mamba2, MLP, RMSNorm}
model Small {
  vocab = 256, width = 64, context = 128
  M = Mamba2(heads = 4, head_dim = 16, state = 8)
  A = Attention(heads = 4)
  F = MLP(inner = 128)
  norm = { pre = RMSNorm }
  layers = [(M F)*2 A F M F A F]
  head = { norm = RMSNorm }
  precision {
${rules.map((rule) => `    ${rule}`).join('\n')}
  }
}
`;
}

function place(model: Model, layer: number, member: string, more: Partial<PrecisionPlace> = {}): PrecisionPlace {
  return { part: 'layer', layer, alias: model.layers[layer]!.alias, member, ...more };
}

test('without a rule, everything is f32', () => {
  const m = model(source());
  for (const role of ['weights', 'activations', 'accumulate', 'state', 'gradients', 'optimizer'] as const) {
    expect(precisionOf(m, role, place(m, 0, 'in_z.weight'))).toBe('f32');
  }
});

test('each rank of selectors is over the one before', () => {
  // From least to most specific; each value differs from its neighbours', so that a wrong order shows.
  const ranks = [
    'weights = f16',
    'weights in linears = bf16',
    'weights in A = f16',
    'weights in q = bf16',
    'weights in A.q = f16',
    'weights in A.q.weight = bf16',
    'weights in layers[0..8] = f16',
    'weights in layers[4..6] = bf16',
    'weights in layers[4] = f16',
    'weights in layers[4].q = bf16',
    'weights in linears[..8] = f16',
    'weights in linears[2..5] = bf16',
  ];
  const at: Partial<PrecisionPlace> = { linear: { index: 4, count: 20 } };
  for (let count = 1; count <= ranks.length; count++) {
    const rules = ranks.slice(0, count);
    for (const order of [rules, [...rules].reverse()]) {
      const m = model(source(...order));
      expect([count, precisionOf(m, 'weights', place(m, 4, 'q.weight', at))]).toEqual([
        count,
        rules.at(-1)!.split(' = ')[1],
      ]);
    }
  }
});

test('norms, slots of a block, the head and the embedding', () => {
  const m = model(
    source(
      'activations in norms = bf16',
      'activations in A.norm.pre = f16',
      'activations in head = e4m3',
      'activations in embedding = e5m2',
    ),
  );
  expect(precisionOf(m, 'activations', place(m, 0, 'pre', { norm: true }))).toBe('bf16');
  expect(precisionOf(m, 'activations', place(m, 4, 'pre', { norm: true }))).toBe('f16');
  expect(precisionOf(m, 'activations', place(m, 4, 'q'))).toBe('f32');
  expect(precisionOf(m, 'activations', { part: 'head', norm: true })).toBe('e4m3');
  expect(precisionOf(m, 'activations', { part: 'embedding' })).toBe('e5m2');
});

test('`norm` of a block is every slot of it, and less than a slot by name', () => {
  const m = model(source('activations in A.norm = f16', 'activations in A.norm.qk = bf16'));
  expect(precisionOf(m, 'activations', place(m, 4, 'pre', { norm: true }))).toBe('f16');
  expect(precisionOf(m, 'activations', place(m, 4, 'qk.queries', { norm: true }))).toBe('bf16');
});

test('the FP8 recipe: first and last four matrix products in bf16', () => {
  const m = model(
    source(
      'weights = bf16',
      'weights in linears = e4m3',
      'weights in linears[..4] = bf16',
      'weights in linears[-4..] = bf16',
    ),
  );
  const types = Array.from({ length: 12 }, (_, index) =>
    precisionOf(m, 'weights', place(m, 0, 'out.weight', { linear: { index, count: 12 } })),
  );
  expect(types).toEqual([...Array(4).fill('bf16'), ...Array(4).fill('e4m3'), ...Array(4).fill('bf16')]);
  expect(precisionOf(m, 'weights', { part: 'head' })).toBe('bf16');
});

test('a tie between ranges of products is told, with both rules', () => {
  const m = model(source('weights in linears[..4] = bf16', 'weights in linears[-4..] = f16'));
  const choice = explainPrecision(m, 'weights', place(m, 0, 'out.weight', { linear: { index: 3, count: 6 } }));
  expect(choice.ties).toHaveLength(1);
  expect(explainPrecision(m, 'weights', place(m, 0, 'out.weight', { linear: { index: 0, count: 6 } })).ties).toEqual(
    [],
  );
});

test('ranges of products are held against the traced model', () => {
  const products = 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2;
  const found = (...rules: string[]): string[] =>
    check(memoryHost({ 'main.hyb': source(...rules) }), 'main.hyb').diagnostics.map((d) => `${d.code} ${d.message}`);
  expect(found('weights in linears[..4] = bf16', 'weights in linears[-4..] = f16')).toEqual([]);
  expect(found(`weights in linears[${products - 1}] = bf16`)).toEqual([]);
  expect(found(`weights in linears[${products}] = bf16`)).toEqual([
    `HYB4007 'linears[${products}..${products + 1}]' addresses nothing: the layers have ${products} matrix products.`,
  ]);
  expect(found('weights in linears[..12] = bf16', 'weights in linears[-12..] = f16')).toEqual([
    "HYB4005 'weights in linears[..12] = bf16' and 'weights in linears[-12..] = f16' are equally specific and say different types for matrix product 8.",
  ]);
  expect(found('weights in linears[2..12] = bf16', 'weights in linears[3..5] = f16')).toEqual([]);
});

test('a derivation replaces rules of the same role and selector, and adds others', () => {
  const m = model(`${source('weights = bf16', 'state in M = f32', 'activations in norm = f32')}
model Other = Small with {
  precision { state in M = bf16, activations in norms = f16, weights in A = f16 }
}`);
  expect(m.precision.map(({ role, selector, type }) => [role, selector ?? null, type])).toEqual([
    ['weights', null, 'bf16'],
    ['state', { kind: 'alias', alias: 'M' }, 'bf16'],
    ['activations', { kind: 'norms' }, 'f16'],
    ['weights', { kind: 'alias', alias: 'A' }, 'f16'],
  ]);
});

test('all mistakes are found in one run', () => {
  const text = source(
    'weight = bf16',
    'weights in B = bf16',
    'weights in A.w = bf16',
    'weights in A_lo = bf16',
    'activations in layers[8..12] = f16',
    'activations in layers[2..2] = f16',
    'activations in linears[3..1] = f16',
    'activations in norm.pre = f16',
    'state = e4m3',
    'gradients = int8',
    'optimizer = f32',
    'optimizer = bf16',
    'weights in layers[0..3] = f16',
    'weights in layers[2..5] = bf16',
  );
  expect(render(compile(text).diagnostics, text)).toMatchSnapshot();
});

test('overlapping ranges may agree, or lie one inside the other', () => {
  expect(codes(source('weights in layers[0..3] = f16', 'weights in layers[2..5] = f16'))).toEqual([]);
  expect(codes(source('weights in layers[0..6] = f16', 'weights in layers[2..5] = bf16'))).toEqual([]);
  expect(codes(source('weights in layers[0..3].q = f16', 'weights in layers[2..5] = bf16'))).toContain('HYB4003');
  expect(codes(source('weights in layers[0..6].q = f16', 'weights in layers[2..5] = bf16'))).toEqual([]);
});
