/** Half-written, mutated and hostile bodies: findings, never exceptions, and quickly. */
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { verifyModelGraph } from '../../src/graph/verify.js';
import { check } from '../../src/compile.js';
import { memoryHost } from '../../src/sources/host.js';
import { library } from '../../src/std/library.generated.js';
import { random } from '../support/random.js';
import { findings, layerSource } from '../support/source.js';

const folder = fileURLToPath(new URL('../../../examples/blocks/', import.meta.url));

/** Sources with models in them, so that mutated bodies are traced as layers too. */
const SOURCES = [
  ...readdirSync(folder)
    .filter((name) => name.endsWith('.hyb'))
    .sort()
    .map((name) => readFileSync(folder + name, 'utf8')),
  `${Object.values(library)
    .map(({ text }) => text.replace(/^use .*$/gm, ''))
    .join('\n')}
model Test {
  vocab = 32  width = 16  context = 64
  M = Mamba2(heads = 4, head_dim = 8, state = 6, groups = 2)
  A = Attention(heads = 4, kv_heads = 2, rope = rope(base = 100))
  F = GatedMLP(inner = 24)
  norm = { pre = RMSNorm, qk = LayerNorm, out = LayerScale }
  layers = [M A F]
  precision { activations = bf16, weights in linears[..2] = f32, activations in linears = e4m3 }
}`,
];

const TOKEN = /[A-Za-z_]\w*|[\d_.]+(?:e-?\d+)?|->|\*\*|[^\s\w]/g;

function mutate(source: string, seed: number): string {
  const { integer } = random(seed);
  let text = source;
  for (let n = integer(1, 4); n > 0; n--) {
    const tokens = [...text.matchAll(TOKEN)];
    const one = tokens[integer(0, tokens.length)]!;
    const other = tokens[integer(0, tokens.length)]!;
    const replacement = ['', other[0], `${one[0]} ${other[0]}`, '0', 'time', 'x', 'none', '(', '[t]', '-1', 'inf'][
      integer(0, 11)
    ]!;
    text = text.slice(0, one.index) + replacement + text.slice(one.index + one[0].length);
  }
  return text;
}

function run(text: string): void {
  const { models, diagnostics } = check(memoryHost({ 'main.hyb': text }), 'main.hyb');
  for (const { span, message, fixes } of diagnostics) {
    // Names in weight maps have braces of their own; what is quoted is the source's.
    const own = message.replace(/'[^']*'|"[^"]*"|\{(?:layer|nth)\}/g, '');
    expect(own).not.toMatch(/\{\w+\}|undefined|NaN|\[object/);
    for (const place of [span, ...fixes.flatMap((fix) => fix.edits.map((edit) => edit.span))]) {
      if (place.file !== 'main.hyb') continue;
      expect(place.start).toBeGreaterThanOrEqual(0);
      expect(place.end).toBeGreaterThanOrEqual(place.start);
      expect(place.end).toBeLessThanOrEqual(text.length);
    }
  }
  // A model that passed all checks has graphs that are in order.
  if (!diagnostics.some((d) => d.severity === 'error')) {
    for (const { graph } of models) expect(verifyModelGraph(graph)).toEqual([]);
  }
}

test.each(SOURCES.map((source, i) => [i, source] as const))('mutations of source %d', (i, source) => {
  run(source);
  for (let seed = 0; seed < 60; seed++) {
    const text = mutate(source, 1000 * i + seed);
    try {
      run(text);
    } catch (error) {
      throw new Error(`seed ${1000 * i + seed}: ${String(error)}\n${text}`, { cause: error });
    }
  }
});

test('truncated sources', () => {
  const source = SOURCES[0]!;
  for (let length = 7; length < source.length; length += 97) run(source.slice(0, length));
});

test.each([
  ['sizes over every limit', 'dim a = 9_007_199_254_740_991\ndim b = a * a\nreturn x as [time, a]'],
  [
    'a product over every limit',
    'dim a = 3_000_000_000\ndim b = 4_000_000_000\nparam w = linear((a, b) -> width)\nreturn x',
  ],
  [
    'an outer product over every limit',
    'dim a = 3_000_000_000\ndim b = 4_000_000_000\nparam p: [a] = 0\nparam q: [b] = 0\nreturn x * sum(p * q, a, b)',
  ],
  [
    'rotations of a billion channels',
    'dim big = 1_000_000_000\nparam w = linear(width -> big)\nreturn x * sum(rope(w(x)), big)',
  ],
  [
    'names of the host language',
    'let constructor = x\nlet __proto__ = constructor\nlet toString = __proto__\nreturn toString',
  ],
  ['names that only the host language has', 'return hasOwnProperty(x) + constructor'],
  ['an attribute of the host language', 'param p = linear(width -> width) @constructor(1)\nreturn p(x).constructor'],
  ['an initializer of the host language', 'param p: [width] @init(toString(1))\nreturn p * x'],
])('%s', (_, body) => {
  run(layerSource(`block Body(x: [time, width]) -> [time, width] {\n${body}\n}`, 'Body'));
});

test('names of the host language are names', () => {
  const body = 'let constructor = x\nlet __proto__ = constructor\nlet toString = __proto__\nreturn toString';
  expect(findings(`block Body(x: [time, width]) -> [time, width] {\n${body}\n}`)).toEqual([]);
});

test('functions that double at each level end in a finding', () => {
  const functions = Array.from({ length: 40 }, (_, i) => `fn f${i + 1}(x) = f${i}(x) + f${i}(2 * x)`).join('\n');
  const source = `fn f0(x) = x\n${functions}\nblock Body(x: [time, width]) -> [time, width] { return f40(x) }`;
  const start = process.cpuUsage();
  expect([...new Set(findings(source).map((d) => d.code))]).toEqual(['HYB3069']);
  // Processor seconds; without a limit it would be days.
  expect(process.cpuUsage(start).user / 1e6).toBeLessThan(30);
});
