/** Compile-time values, arguments and fields of models. */
import fc from 'fast-check';
import { codes, compile, model, render } from '../support/compile.js';

function scale(expression: string): number {
  return model(small(`embedding = { scale = ${expression} }`)).embedding.scale;
}

function small(...lines: readonly string[]): string {
  return `use std.{Attention, LayerNorm, MLP, RMSNorm, relu2}
model Small {
  vocab = 256, width = 64, context = 128
  A = Attention(heads = 4)
  F = MLP(inner = 128)
  layers = [(A F)*2]
${lines.map((line) => `  ${line}`).join('\n')}
}
`;
}

test.each([
  ['1_000 + 2', 1002],
  ['7 div 2', 3],
  ['-7 div 2', -4],
  ['-7 % 3', 2],
  ['7 / 2', 3.5],
  ['2 ** 3 ** 2', 512],
  ['-2 ** 2', -4],
  ['(1 + 2) * 3', 9],
  ['width div 4', 16],
  ['A.heads * 2', 8],
  ['A.head_dim', 16],
  ['(1, 2, 3)[1]', 2],
  ['if width > 32 and not (1 == 2) then 1 else 1 / 0', 1],
  ['if none == none then 5 else 6', 5],
  ['if A.cap == none then 5 else 6', 5],
  ['max(1, 2.5, 2)', 2.5],
  ['min(3, 2)', 2],
  ['round(8 / 3 * width)', 171],
  ['ceil(sqrt(10)) + floor(log(exp(2.5))) + abs(-1)', 7],
  ['6 GB / 1 MB', 6000],
  ['if 1 GiB > 1 GB then 1 else 2', 1],
  ['(2 * 3 GB) / (1 GB + 1 GB)', 3],
  ['1 hours / 1 minutes', 60],
])('%s is %d', (expression, expected) => {
  expect(scale(expression)).toBeCloseTo(expected, 12);
});

test.each([
  ['1 / 0', 'HYB1015'],
  ['0 % 0', 'HYB1015'],
  ['log(-1)', 'HYB1015'],
  ['2 ** 1024', 'HYB1015'],
  ['9_007_199_254_740_993', 'HYB1015'],
  ['2 ** 53 + 1', 'HYB1015'],
  ['1e999', 'HYB0006'],
  ['1 GB + 1 steps', 'HYB1013'],
  ['1 GB + 1', 'HYB1013'],
  ['1 GB * 1 GB', 'HYB1013'],
  ['1 GB', 'HYB2004'],
  ['1 + true', 'HYB1013'],
  ['1 and true', 'HYB1013'],
  ['not 1', 'HYB1013'],
  ['-"a"', 'HYB1013'],
  ['"a" == 1', 'HYB1013'],
  ['if 1 then 2 else 3', 'HYB1013'],
  ['max("a")', 'HYB1013'],
  ['sqrt(1, 2)', 'HYB1013'],
  ['nothing', 'HYB1010'],
  ['nothing(1)', 'HYB1010'],
  ['Small', 'HYB1011'],
  ['Small(1)', 'HYB1014'],
  ['(1)(2)', 'HYB1014'],
  ['width(2)', 'HYB1014'],
  ['A.nothing', 'HYB1018'],
  ['(1, 2)[2]', 'HYB1018'],
  ['width.x', 'HYB1018'],
  ['{ a = 1 }', 'HYB1012'],
  ['[A]', 'HYB1012'],
  ['width -> 3', 'HYB1012'],
  ['silu', 'HYB2004'],
  ['A', 'HYB2004'],
  ['norm', 'HYB1010'],
  ['constructor', 'HYB1010'],
  ['__proto__', 'HYB1010'],
])('%s is an error', (expression, code) => {
  expect(codes(small(`embedding = { scale = ${expression} }`))).toEqual([code]);
});

test('fields stand in any order and may go through each other, but not in a circle', () => {
  expect(model(small('embedding = { scale = c }', 'c = b + 1', 'b = 2 * a', 'a = width')).embedding.scale).toBe(129);
  expect(codes(small('embedding = { scale = a }', 'a = b', 'b = c', 'c = a'))).toEqual(['HYB1016']);
  expect(codes(small().replace('width = 64', 'width = A.heads * 16'))).toEqual(['HYB1016']);
  expect(
    model(small().replace('width = 64', 'width = A.heads * 16').replace('heads = 4', 'heads = 4, head_dim = 16')).width,
  ).toBe(64);
});

test('whole numbers by the sum of their digits’ worth', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: 1, max: 1000 }), (a, b) => {
      // The two halves of Euclid's identity, computed by the language itself.
      expect(scale(`(${a}) div ${b} * ${b} + (${a}) % ${b}`)).toBe(a);
    }),
    { numRuns: 50 },
  );
});

test('functions are given by name, with named arguments of their own', () => {
  const source = `use std.{Attention, MLP, relu2}
fn leaky(x, slope, shift) = max(x, slope * x) + shift
model Small {
  vocab = 256, width = 64, context = 128
  A = Attention(heads = 4, rope = rope(base = 500_000, scaling = llama3(8, original = 8192)))
  F = MLP(inner = 128, activation = leaky(slope = 0.1))
  G = MLP(inner = 128)
  H = MLP(inner = 128, activation = silu)
  layers = [A F G H]
}`;
  const { A, F, G, H } = model(source).aliases;
  expect(A!.arguments['rope']).toEqual({
    kind: 'function',
    callee: { builtin: 'rope' },
    arguments: {
      base: { kind: 'number', value: 500_000, integer: false },
      dims: { kind: 'none' },
      pairing: { kind: 'string', value: 'half' },
      scaling: {
        kind: 'function',
        callee: { builtin: 'llama3' },
        arguments: Object.fromEntries(
          Object.entries({ factor: 8, low: 1, high: 4, original: 8192 }).map(([name, value]) => [
            name,
            { kind: 'number', value, integer: name === 'original' },
          ]),
        ),
      },
    },
  });
  expect(F!.arguments['activation']).toMatchObject({
    callee: { declaration: { name: { text: 'leaky' } } },
    arguments: { slope: { value: 0.1 } },
  });
  expect(G!.arguments['activation']).toMatchObject({ callee: { declaration: { name: { text: 'relu2' } } } });
  expect(H!.arguments['activation']).toMatchObject({ callee: { builtin: 'silu' } });
});

test('every mistake in arguments is found in one run', () => {
  const source = `use std.{Attention, LayerNorm, MLP, Mamba2, RMSNorm}
fn leaky(x, slope) = max(x, slope * x)
block Own(n: int, m = n + 1, f: float = 2, t: tuple = none, s: string = "a", k: norm = RMSNorm)(x: [time, width]) { return x }
model Small {
  vocab = 256, width = 64, context = 128
  A = Attention(heads = 4.5, kv_head = 2, rope = 10_000, cap = "x", clip = 3, window = 2.0)
  B = Attention(4, 2, 16, false, false, false, none, none, none, none, 1, none, 7)
  C = Attention(heads = 4, heads = 8, norm = LayerNorm)
  D = Attention(kv_heads = 2, 4)
  E = Attention(rope = rope(bas = 2, pairing = "halves", scaling = llama(8)), heads = none)
  F = MLP(128, activation = leaky(slop = 1))
  G = MLP(128, activation = leaky(0.1))
  H = MLP(inner = 6 GB, activation = MLP)
  I = Own(3, m = 2.5, f = 3, t = (1, 2), s = 4, k = LayerNorm)
  J = Own(n = true, k = none)
  K = Own(3, k = LayerNorm(eps = "small"), t = none)
  L = Mamba2(heads = 4, head_dim = 16)
  M = Unknown(3)
  layers = [A B C D E F G H I J K L M]
}`;
  expect(render(compile(source).diagnostics, source)).toMatchSnapshot();
});

test('every mistake in the fields of a model is found in one run', () => {
  const source = `use std.{Attention, MLP, RMSNorm}
model Small {
  vocab = 1.5
  widht = 64
  context = 3_000_000_000
  vocab = 256
  F = MLP(inner = 128)
  U = MLP(inner = 1)
  head = { norm = MLP(inner = 3), tie = "yes", tied = true, cap = false, a.b = 1, bias = true, bias = false }
  embedding = 3
  norm = { pre = 3, pre = RMSNorm, qk = RMSNorm, out = RMSNorm(epsilon = 1) }
  layer = [F]
  nrom = { pre = RMSNorm }
  unused = 3
  s = shared silu
  weights = F
  F.norm.pre.x = 1
}`;
  expect(render(compile(source).diagnostics, source)).toMatchSnapshot();
});

test('a model that lacks everything says so, field by field', () => {
  const source = 'model Nothing {}';
  expect(render(compile(source).diagnostics, source)).toMatchSnapshot();
});

test('any word may be the name of a block', () => {
  const names = [
    'constructor',
    '__proto__',
    'toString',
    'class',
    'fn',
    'model',
    'block',
    'let',
    'if',
    'with',
    'use',
    'default',
  ];
  for (const name of names) {
    const m = model(`use std.{MLP}
model Small { vocab = 256, width = 64, context = 128
  ${name} = MLP(inner = 8)
  layers = [${name}*2]
  ${name}.inner = 16
}`);
    expect(m.layers.map((layer) => layer.alias)).toEqual([name, name]);
    expect(Object.keys(m.aliases)).toEqual([name]);
    expect(m.layers[0]!.block.arguments['inner']).toMatchObject({ value: 16 });
  }
});

test('one model can be asked for by name', () => {
  const source = `${small()}model Other = Small with { width = 32 }`;
  expect(compile(source, undefined, 'Other').models.map((m) => m.name)).toEqual(['Other']);
  expect(codes(source, undefined, 'Smal')).toEqual(['HYB2060']);
});
