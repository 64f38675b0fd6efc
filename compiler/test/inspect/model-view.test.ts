import { check, memoryHost, planModel } from '../../src/index.js';
import { modelView } from '../../src/inspect/index.js';
import type { ModelView } from '../../src/inspect/index.js';

const FIELDS = `  vocab = 256
  width = 64
  context = 128
  M = Mamba2(heads = 8, head_dim = 16, state = 16, groups = 2)
  A = Attention(heads = 4, kv_heads = 2)
  F = MLP(inner = 128)
  norm = { pre = RMSNorm }
  head = { norm = RMSNorm, tie = false }
`;
const USE = 'use std.{Attention, Mamba2, MLP, RMSNorm}\n';

function view(text: string, planned = false): ModelView {
  const checked = check(memoryHost({ 'x.hyb': text }), 'x.hyb');
  expect(checked.diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([]);
  const last = checked.models.at(-1)!;
  return modelView(checked, last, planned ? planModel(last) : undefined);
}

/** What the source says at each layer's place. */
const written = (text: string, { layers }: ModelView): string =>
  layers
    .filter(({ index }) => index !== null)
    .map(({ place }) => text.slice(place.start, place.end))
    .join(' ');

test('each layer leads to the name in the pattern, and to the column in which it stands', () => {
  const text = `${USE}model X {\n${FIELDS}  layers = [(M F)*2, M A F]\n}\n`;
  const made = view(text);
  expect(written(text, made)).toBe('M F M F M A F');
  const starts = made.layers.map(({ place }) => place.start);
  expect(starts[1]).toBe(text.indexOf('(M F)*2') + 1);
  expect(starts[3]).toBe(starts[1]);
  expect(starts[5]).toBe(text.indexOf('M A F'));
});

test('each layer of a pattern string leads to its letter', () => {
  const text = `${USE}model X {\n${FIELDS}  layers = pattern("M-*-", { M: M, "*": A, "-": F })\n}\n`;
  expect(written(text, view(text))).toBe('M - * -');
});

test('a derived model finds the pattern of its base', () => {
  const text = `${USE}model X {\n${FIELDS}  layers = [M A F]\n}\nmodel Y = X with { A.cap = 50 }\n`;
  const made = view(text);
  expect(made.model).toBe('Y');
  expect(written(text, made)).toBe('M A F');
});

test('layers of a kind share shapes, states and kernels; sums are those of the rows', () => {
  const text = `${USE}model X {\n${FIELDS}  layers = [(M F)*2, A]\n}\n`;
  const made = view(text, true);
  expect(made.layers.map(({ path, alias }) => `${path} ${alias}`)).toEqual([
    'embedding embedding',
    ...['layers.0 M', 'layers.1 F', 'layers.2 M', 'layers.3 F', 'layers.4 A'],
    'head head',
  ]);
  expect(made.layers[1]!.kind).toBe(made.layers[3]!.kind);
  const attention = made.kinds[made.layers[5]!.kind]!;
  expect(attention.block).toBe('Attention');
  expect(text.slice(attention.place!.start, attention.place!.end)).toBe('Attention(heads = 4, kv_heads = 2)');
  expect(attention.states.map(({ per }) => per)).toEqual(['token', 'token']);
  expect(attention.kernels!.decode.length).toBeGreaterThan(0);
  for (const { parameters, kind } of made.layers) {
    const elements = made.kinds[kind]!.parameters.map(({ shape }) => shape.reduce((a, b) => a * b, 1));
    expect(elements.reduce((a, b) => a + b, 0)).toBe(parameters);
  }
  expect(JSON.parse(JSON.stringify(made))).toEqual(made);
});
