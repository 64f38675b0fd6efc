import fc from 'fast-check';
import { printModel } from '@hyb/compiler';
import type { Model } from '@hyb/compiler';
import { codes, compile, model, render } from '../support/compile.js';

const base = `use std.{Attention, LayerNorm, LayerScale, MLP, RMSNorm}
model Base {
  vocab = 256, width = 64, context = 128
  heads = 4
  A = Attention(heads = heads)
  F = MLP(inner = 2 * width)
  norm = { pre = RMSNorm }
  layers = [(A F)*3]
  head = { norm = RMSNorm }
}
`;

function derived(...chain: readonly string[]): Model {
  const models = chain.map((changes, i) => `model M${i} = ${i === 0 ? 'Base' : `M${i - 1}`} with { ${changes} }`);
  return model(base + models.join('\n'));
}

function argument(m: Model, layer: number, name: string): unknown {
  const value = m.layers[layer]!.block.arguments[name];
  return value !== undefined && 'value' in value ? value.value : value?.kind;
}

test('values that refer to a changed field change with it, defaults included', () => {
  const m = derived('width = 128, heads = 8');
  expect([
    m.width,
    argument(m, 0, 'heads'),
    argument(m, 0, 'kv_heads'),
    argument(m, 0, 'head_dim'),
    argument(m, 1, 'inner'),
  ]).toEqual([128, 8, 8, 16, 256]);
});

test('the right side may refer to the base’s own value', () => {
  expect(derived('width = width * 2', 'width = width * 3').width).toBe(384);
});

test('a block by name addresses all its layers; a later single layer goes its own way, a later block overrules it', () => {
  expect([0, 2, 4].map((i) => argument(derived('A.cap = 50'), i, 'cap'))).toEqual([50, 50, 50]);
  expect([0, 2, 4].map((i) => argument(derived('A.cap = 50', 'layers[2].cap = 20'), i, 'cap'))).toEqual([50, 20, 50]);
  expect([0, 2, 4].map((i) => argument(derived('layers[2].cap = 20', 'A.cap = 50'), i, 'cap'))).toEqual([50, 50, 50]);
  // In one body the order says nothing: the narrower one decides.
  expect(
    [0, 2, 4].map((i) => argument(derived('layers[2].cap = 20, layers[2..].cap = 10, A.cap = 50'), i, 'cap')),
  ).toEqual([50, 20, 10]);
});

test('a range of layers changes those that have the field', () => {
  const m = derived('layers[1..4].cap = 30');
  expect([0, 2, 4].map((i) => argument(m, i, 'cap'))).toEqual(['none', 30, 'none']);
});

test('layers without changes of their own share the block of their name', () => {
  const m = derived('layers[2..5].cap = 30');
  expect(m.layers[0]!.block).toBe(m.aliases['A']);
  expect(m.layers[2]!.block).not.toBe(m.aliases['A']);
  expect(m.layers[2]!.block).toBe(m.layers[4]!.block);
  expect(m.layers[3]!.block).toBe(m.aliases['F']);
});

test('slots: one is set, a record replaces all, none empties', () => {
  const slots = (m: Model, alias: string): string[] =>
    Object.entries(m.aliases[alias]!.slots).map(([slot, norm]) => `${slot} ${norm?.declaration.name.text ?? 'none'}`);
  expect(slots(derived('A.norm.qk = LayerNorm'), 'A')).toEqual(['pre RMSNorm', 'qk LayerNorm']);
  expect(slots(derived('A.norm = { qkv = LayerNorm }'), 'A')).toEqual(['qkv LayerNorm']);
  expect(slots(derived('A.norm = { qkv = LayerNorm }'), 'F')).toEqual(['pre RMSNorm']);
  expect(slots(derived('A.norm = none'), 'A')).toEqual([]);
  expect(slots(derived('A.norm.pre = none'), 'A')).toEqual(['pre none']);
  expect(slots(derived('A.norm = { qkv = LayerNorm }', 'A.norm.pre = RMSNorm'), 'A')).toEqual([
    'pre RMSNorm',
    'qkv LayerNorm',
  ]);
  expect(slots(derived('norm = { qk = LayerNorm, out = LayerScale }'), 'A')).toEqual([
    'out LayerScale',
    'qk LayerNorm',
  ]);
  expect(slots(derived('norm = { qk = LayerNorm, out = LayerScale }'), 'F')).toEqual(['out LayerScale']);
  expect(slots(derived('norm.out = LayerScale'), 'F')).toEqual(['pre RMSNorm', 'out LayerScale']);
  // What a block says of itself stays when the model's default changes later.
  expect(slots(derived('A.norm.pre = none', 'norm = { pre = LayerNorm }'), 'A')).toEqual(['pre none']);
  expect(slots(derived('A.norm.pre = none', 'norm = { pre = LayerNorm }'), 'F')).toEqual(['pre LayerNorm']);
});

test('arguments of norms', () => {
  const eps = (m: Model, layer: number): unknown => {
    const value = m.layers[layer]!.block.slots['pre']?.arguments['eps'];
    return value?.kind === 'number' ? value.value : undefined;
  };
  expect([0, 1].map((i) => eps(derived('norm.pre.eps = 1e-6'), i))).toEqual([1e-6, 1e-6]);
  expect([0, 1].map((i) => eps(derived('A.norm.pre.eps = 1e-6'), i))).toEqual([1e-6, 1e-5]);
  expect([0, 2].map((i) => eps(derived('layers[2].norm.pre.eps = 1e-6'), i))).toEqual([1e-5, 1e-6]);
  expect([0, 2].map((i) => eps(derived('layers[2].norm.pre.eps = 1e-6', 'A.norm.pre.eps = 1e-4'), i))).toEqual([
    1e-4, 1e-4,
  ]);
  expect(derived('head.norm.eps = 1e-3').head.norm?.arguments['eps']).toMatchObject({ value: 1e-3 });
});

test('a norm with a name of its own can be used and changed', () => {
  const source = `${base.replace('heads = 4\n', 'heads = 4\n  N = RMSNorm(eps = 1e-3)\n').replaceAll('= RMSNorm }', '= N }')}
model D = Base with { A.norm.pre.eps = 1e-4, N = RMSNorm(eps = 1e-2) }`;
  const m = model(source);
  expect(m.aliases['F']!.slots['pre']!.arguments['eps']).toMatchObject({ value: 1e-2 });
  expect(m.aliases['A']!.slots['pre']!.arguments['eps']).toMatchObject({ value: 1e-4 });
});

test('a block defined anew loses what was said of the old one, in single layers too', () => {
  const m = derived('A.cap = 50, layers[2].cap = 20, A.norm.qk = LayerNorm', 'A = Attention(heads = 2)');
  expect([0, 2].map((i) => argument(m, i, 'cap'))).toEqual(['none', 'none']);
  expect(Object.keys(m.aliases['A']!.slots)).toEqual(['pre']);
  expect(m.layers[2]!.block).toBe(m.aliases['A']);
});

test('new layers lose what was said of single old ones', () => {
  const m = derived('layers[2].cap = 20', 'layers = [A*4 F]');
  expect(m.layers.map((layer) => layer.block === m.aliases[layer.alias])).toEqual(Array(5).fill(true));
});

test('head, embedding and weights', () => {
  const m = derived('head = { tie = true, cap = 30 }, embedding.scale = 12', 'head.bias = true, head.cap = none');
  expect(m.head).toEqual({ tie: true, bias: true });
  expect(m.embedding).toEqual({ scale: 12 });
});

test('shared blocks have the weights of their first layer', () => {
  const m = model(base.replace('A = Attention', 'A = shared Attention'));
  expect(m.layers.map((layer) => layer.sharedWith ?? null)).toEqual([null, null, 0, null, 0, null]);
});

test('derivation goes across files, and names mean what they mean in their own file', () => {
  const m = model({
    'main.hyb':
      'use "./lib.hyb".{Base}\nuse std.{GatedMLP as MLP}\nmodel D = Base with { F = MLP(inner = width) }\nmodel E = D with { A.norm.pre = none }',
    'lib.hyb': base,
  });
  expect(m.aliases['F']!.declaration.name.text).toBe('GatedMLP');
  expect(m.aliases['A']!.declaration.name.text).toBe('Attention');
});

test('every mistake in a derivation is found in one run', () => {
  const text = `${base}
model D = Base with {
  widht = 32
  G = MLP(inner = 3)
  B.cap = 1
  A.capp = 1
  A.norm.kq = LayerNorm
  A.norm.qk.eps = 1
  norm.pree = LayerNorm
  F.norm = LayerNorm
  F.norm.out = MLP
  head.tied = true
  head.norm.epsilon = 1
  layers[6].cap = 1
  layers[1].cap = 1
  layers[3..3].cap = 1
  layers.cap = 1
  layers[0] = 1
  width.x = 1
  vocab = 512
  vocab = 1024
}`;
  expect(render(compile(text).diagnostics, text)).toMatchSnapshot();
});

test.each([
  ['model A = A', 'HYB2052'],
  ['model A = B\nmodel B = C\nmodel C = A', 'HYB2052'],
  ['model A = B with { width = 1 }', 'HYB2051'],
  ['fn B(x) = x\nmodel A = B with { width = 1 }', 'HYB2051'],
])('a chain without a beginning: %s', (source, code) => {
  expect(codes(source)).toContain(code);
  expect(compile(source).models).toEqual([]);
});

// Random chains against a simulation that applies each change to a list of layers, one after another.

interface State {
  readonly width: number;
  readonly defaults: Readonly<Record<string, string>>;
  readonly layers: readonly SimulatedLayer[];
}
interface SimulatedLayer {
  readonly alias: 'A' | 'F';
  readonly arguments: Readonly<Record<string, string>>;
  readonly slots: Readonly<Record<string, string>>;
  readonly inherits: boolean;
}
interface Change {
  readonly text: string;
  readonly apply: (state: State) => State;
}

const NORMS = ['LayerNorm', 'RMSNorm', 'LayerScale', 'none'];
const SLOTS = { A: ['pre', 'out', 'post', 'qk', 'qkv'], F: ['pre', 'out', 'post'] };
const ARGUMENTS = { A: ['cap', 'window', 'scale'], F: ['inner'] };

const alias = fc.constantFrom<'A' | 'F'>('A', 'F');
const norm = fc.constantFrom(...NORMS);
const value = fc.integer({ min: 1, max: 99 }).map(String);
const range = fc
  .tuple(fc.nat(5), fc.integer({ min: 1, max: 6 }))
  .map(([start, length]) => [start, Math.min(6, start + length)] as const);

function mapLayers(
  state: State,
  which: (layer: SimulatedLayer, i: number) => boolean,
  change: (layer: SimulatedLayer) => SimulatedLayer,
): State {
  return { ...state, layers: state.layers.map((layer, i) => (which(layer, i) ? change(layer) : layer)) };
}

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.constantFrom(32, 64, 128).map((width): Change => ({ text: `width = ${width}`, apply: (s) => ({ ...s, width }) })),
  fc.tuple(fc.constantFrom(...SLOTS.A), norm).map(([slot, n]): Change => ({
    text: `norm.${slot} = ${n}`,
    apply: (s) => ({ ...s, defaults: { ...s.defaults, [slot]: n } }),
  })),
  fc.tuple(fc.constantFrom(...SLOTS.A), norm).map(([slot, n]): Change => ({
    text: `norm = { ${slot} = ${n} }`,
    apply: (s) => ({ ...s, defaults: { [slot]: n } }),
  })),
  alias.chain((a) =>
    fc.tuple(fc.constantFrom(...ARGUMENTS[a]), value).map(([name, v]): Change => ({
      text: `${a}.${name} = ${v}`,
      apply: (s) =>
        mapLayers(
          s,
          (l) => l.alias === a,
          (l) => ({ ...l, arguments: { ...l.arguments, [name]: v } }),
        ),
    })),
  ),
  alias.chain((a) =>
    fc.tuple(fc.constantFrom(...SLOTS[a]), norm).map(([slot, n]): Change => ({
      text: `${a}.norm.${slot} = ${n}`,
      apply: (s) =>
        mapLayers(
          s,
          (l) => l.alias === a,
          (l) => ({ ...l, slots: { ...l.slots, [slot]: n } }),
        ),
    })),
  ),
  alias.chain((a) =>
    fc.tuple(fc.constantFrom(...SLOTS[a]), norm).map(([slot, n]): Change => ({
      text: `${a}.norm = { ${slot} = ${n} }`,
      apply: (s) =>
        mapLayers(
          s,
          (l) => l.alias === a,
          (l) => ({ ...l, inherits: false, slots: { [slot]: n } }),
        ),
    })),
  ),
  fc.tuple(range, fc.constantFrom('pre', 'out', 'post'), norm).map(([[start, end], slot, n]): Change => ({
    text: `layers[${start}..${end}].norm.${slot} = ${n}`,
    apply: (s) =>
      mapLayers(
        s,
        (_, i) => i >= start && i < end,
        (l) => ({ ...l, slots: { ...l.slots, [slot]: n } }),
      ),
  })),
  fc.tuple(fc.nat(5), value).map(([i, v]): Change => ({
    text: i % 2 === 0 ? `layers[${i}].cap = ${v}` : `layers[${i}].inner = ${v}`,
    apply: (s) =>
      mapLayers(
        s,
        (_, j) => j === i,
        (l) => ({ ...l, arguments: { ...l.arguments, [i % 2 === 0 ? 'cap' : 'inner']: v } }),
      ),
  })),
);

test('random chains of derivations mean what their changes mean one after another', () => {
  const start: State = {
    width: 64,
    defaults: { pre: 'RMSNorm' },
    layers: Array.from({ length: 6 }, (_, i) => ({
      alias: i % 2 === 0 ? 'A' : 'F',
      arguments: {},
      slots: {},
      inherits: true,
    })),
  };
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
      const m = derived(...changes.map((c) => c.text));
      const expected = changes.reduce((state, c) => c.apply(state), start);
      expect(m.width).toBe(expected.width);
      for (const [i, layer] of expected.layers.entries()) {
        const block = m.layers[i]!.block;
        const written = {
          ...(layer.alias === 'F' ? { inner: String(2 * expected.width) } : { heads: '4' }),
          ...layer.arguments,
        };
        for (const [name, v] of Object.entries(written))
          expect([i, name, String(argument(m, i, name))]).toEqual([i, name, v]);
        const slots = { ...(layer.inherits ? expected.defaults : {}), ...layer.slots };
        const own = Object.fromEntries(Object.entries(slots).filter(([slot]) => SLOTS[layer.alias].includes(slot)));
        const found = Object.fromEntries(
          Object.entries(block.slots).map(([slot, n]) => [slot, n?.declaration.name.text ?? 'none']),
        );
        expect([i, found]).toEqual([i, own]);
      }
    }),
    { numRuns: 300 },
  );
});

test('a chain of one-line derivations equals the model written out', () => {
  const written = model(`use std.{Attention, LayerNorm, LayerScale, MLP, RMSNorm}
model M3 {
  vocab = 512, width = 128, context = 128
  heads = 8
  A = Attention(heads = heads, cap = 50)
  F = MLP(inner = 3 * width)
  norm = { pre = RMSNorm(eps = 1e-6), out = LayerScale }
  A.norm.qk = LayerNorm
  layers = [(A F)*2 A]
  head = { norm = RMSNorm, tie = true }
  precision { weights = f16, state = f32 }
}`);
  const chain = derived(
    'width = 128, vocab = 512, precision { weights = bf16, state = f32 }',
    'A.cap = 50, heads = 8, norm.pre.eps = 1e-6',
    'F.inner = 3 * width, norm.out = LayerScale, A.norm.qk = LayerNorm',
    'layers = [(A F)*2 A], head.tie = true, precision { weights = f16 }',
  );
  expect(printModel(chain)).toBe(printModel(written));
});
