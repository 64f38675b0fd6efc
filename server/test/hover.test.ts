import { hover } from '../src/features/hover.js';
import { marked, TINY, withRanges } from './support/marked.js';

/** The hovered range in its line, and what is shown. */
function shown(source: string): string {
  const { place, position, texts } = marked(source);
  const found = hover(place, position);
  if (found === undefined) return 'nothing';
  const text = texts[place.path]!;
  const line = withRanges(text, [found.range!]).split('\n')[found.range!.start.line]!;
  return `${line.trim()}\n${'-'.repeat(20)}\n${(found.contents as { value: string }).value}\n`;
}

const block = `use std.{RMSNorm}
/// Feed-forward with a gate.
///
/// Long text.
block Gate(
  /// Channels inside.
  inner: int, activation: fn = silu)(x: [time, width]) -> [time, width] {
  slot hidden = RMSNorm
  dim half = inner div 2
  param up   = linear(width -> (2, half), bias = true)
  param down = linear(inner -> width) @init(output)
  param scale: [inner] = 1
  let y = activation(hidden(up(x) as [time, inner])) * scale
  return down(y)
}
`;
const gated = `${block}
model G {
  vocab = 16, width = 8, context = 32
  B = Gate(inner = 12)
  C = Gate(inner = 20, activation = gelu)
  layers = [B C]
  norm = { pre = RMSNorm }
  head = { tie = true }
  precision { weights = bf16, activations = bf16, activations in C = f32 }
}
`;

const at = (source: string, marker: string, replacement: string): string => {
  if (!source.includes(marker)) throw new Error(`no ${marker}`);
  return source.replace(marker, replacement);
};

describe.each([
  ['a block of a model', at(TINY, 'layers = [A F A]', 'layers = [A F A]\n  ‹|›A.cap = 50')],
  ['its name where it is made', at(TINY, '= Attention', '= Atten‹|›tion')],
  ['a parameter', at(TINY, '(heads = 4)', '(hea‹|›ds = 4)')],
  ['an argument that is computed', at(TINY, '(inner = 4', '(inn‹|›er = 4')],
  ['a model', at(TINY, 'model Tiny', 'model Ti‹|›ny')],
  ['a field', at(TINY, 'context =', 'cont‹|›ext =')],
  ['a format', at(TINY, 'weights = bf16', 'weights = bf‹|›16')],
  ['a layer of a pattern', at(TINY, '[A F A]', '[A F ‹|›A]')],
  ['a keyword', at(TINY, 'precision {', 'prec‹|›ision {')],
  ['a name of the library in `use`', at(TINY, 'use std.{Attention, MLP', 'use std.{Attention, M‹|›LP')],
])('%s', (_, source) => {
  test('hover', () => expect(shown(source)).toMatchSnapshot());
});

describe.each([
  ['a value in two layers', at(gated, 'let y', 'let ‹|›y')],
  ['an expression', at(gated, 'as [time, inner]', 'a‹|›s [time, inner]')],
  ['a linear map', at(gated, 'param up ', 'param u‹|›p ')],
  ['a parameter with a shape', at(gated, 'param scale', 'param sca‹|›le')],
  ['a dimension', at(gated, 'dim half', 'dim ha‹|›lf')],
  ['a slot', at(gated, 'slot hidden', 'slot hidd‹|›en')],
  ['a parameter of the block', at(gated, '  inner: int', '  in‹|›ner: int')],
  ['a block without a model', at(block, 'let y', 'let ‹|›y')],
  ['a map without a model', at(block, 'param up ', 'param u‹|›p ')],
  ['a built-in function', at(gated, '= silu', '= si‹|›lu')],
  ['an initializer', at(gated, '@init(output)', '@init(out‹|›put)')],
])('%s', (_, source) => {
  test('hover', () => expect(shown(source)).toMatchSnapshot());
});

test('the 12th letter of a pattern string', () => {
  const source = at(TINY, 'layers = [A F A]', 'layers = pattern("AFAAF-F-FAF‹|›A", { A: A, F: F, "-": F })');
  expect(shown(source)).toMatchSnapshot();
});

test('a field of a recipe and one of its choices', () => {
  const recipe = `${TINY}train Run of Tiny { batch = 8, steps = 10, rate = 1e-3, optim‹|›izer = AdamW(eps = 1e-7) }\n`;
  expect(shown(recipe)).toMatchSnapshot();
  expect(shown(at(recipe.replace('‹|›', ''), '= AdamW', '= Adam‹|›W'))).toMatchSnapshot();
});

test('a scan', () => {
  const scan = `block Leaky(x: [time, width]) -> [time, width] {
  param gate = linear(width -> width)
  let a = sigmoid(gate(x))
  return scan (t in time, state ‹|›h: [width] = 0) { h = a[t] * h + (1 - a[t]) * x[t]; yield h }
}
model M { vocab = 4, width = 8, context = 16, L = Leaky, layers = [L], head = { tie = true } }
`;
  expect(shown(scan)).toMatchSnapshot();
});

test('half-written code', () => {
  expect(shown('use std.{MLP}\nmodel M {\n  width = 8\n  F = ML‹|›P(inner = ')).toMatchSnapshot();
  expect(shown('model M {\n  wid‹|›th = \n  F = [')).toMatchSnapshot();
});
