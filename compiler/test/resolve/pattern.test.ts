import fc from 'fast-check';
import { compressPattern } from '@hyb/compiler';
import { codes, compile, model, render } from '../support/compile.js';
import { modelSources } from '../support/models.js';

function source(layers: string): string {
  return `use std.{Attention, Mamba2, MLP}
model Small {
  vocab = 256, width = 64, context = 128
  M = Mamba2(heads = 4, head_dim = 16, state = 8)
  A = Attention(heads = 4)
  F = MLP(inner = 128)
  layers = ${layers}
}`;
}

function layers(pattern: string): string {
  return model(source(pattern))
    .layers.map((layer) => layer.alias)
    .join('');
}

test('juxtaposition is sequence, *n repeats, commas and new lines are free', () => {
  expect(layers('[M A F]')).toBe('MAF');
  expect(layers('[(M F)*3, M A F]')).toBe('MFMFMFMAF');
  expect(layers('[((M F)*2, A)*2\n  M*3, F]')).toBe('MFMFAMFMFAMMMF');
  expect(layers('[(((M)))]')).toBe('M');
});

test('a string pattern reads letter by letter', () => {
  expect(layers('pattern("M-M*-", { M: M, "*": A, "-": F })')).toBe('MFMAF');
  expect(layers('pattern("😀M", { "😀": A, M: M })')).toBe('AM');
});

type Pattern = string | { readonly items: readonly Pattern[]; readonly count: number };

/** The meaning of a pattern, the obvious way. */
function expand(pattern: Pattern): string {
  if (typeof pattern === 'string') return pattern;
  return pattern.items.map(expand).join('').repeat(pattern.count);
}

function print(pattern: Pattern): string {
  if (typeof pattern === 'string') return pattern;
  return `(${pattern.items.map(print).join(pattern.count % 2 === 0 ? ', ' : ' ')})${pattern.count === 1 ? '' : `*${pattern.count}`}`;
}

const { pattern } = fc.letrec<{ pattern: Pattern }>((tie) => ({
  pattern: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('M', 'A', 'F'),
    fc.record({
      items: fc.array(tie('pattern'), { minLength: 1, maxLength: 4 }),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  ),
}));

test('any pattern expands as the obvious expansion does', () => {
  fc.assert(
    fc.property(pattern, (p) => expect(layers(`[${print(p)}]`)).toBe(expand(p))),
    { numRuns: 200 },
  );
});

test('the compressed form of any list of names expands to it again', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('M', 'A', 'F'), { minLength: 1, maxLength: 40 }), (names) => {
      const text = compressPattern(names);
      expect(layers(text)).toBe(names.join(''));
    }),
    { numRuns: 100 },
  );
  // Longer than the search for nested repeats.
  const names = Array.from({ length: 5000 }, (_, i) => (i % 7 === 3 ? 'A' : i % 2 === 0 ? 'M' : 'F'));
  expect(layers(compressPattern(names))).toBe(names.join(''));
});

test('repeats are found', () => {
  expect(compressPattern([...'MFMFMF'])).toBe('[(M F)*3]');
  expect(compressPattern(Array<string>(64).fill('M'))).toBe('[M*64]');
  expect(compressPattern([...'MFMAFMFMAFMFMAF'])).toBe('[(M F M A F)*3]');
});

test('compressed patterns read as those that people write', () => {
  const written: Record<string, string> = {
    'nemotron-h-8b.hyb': '[(M F)*3, M A F, ((M F)*4, M A F)*3, (M F)*5]',
    'nemotron-h-56b.hyb': '[(M F)*3, M A F, ((M F)*4, M A F)*9, (M F)*5]',
    'nemotron-nano-12b-v2.hyb': '[((M F)*3, M A F)*6, (M F)*4]',
    'llama-3.1-8b.hyb': '[(A F)*32]',
  };
  for (const [file, text] of Object.entries(written)) {
    const names = compile(modelSources, file).models[0]!.layers.map((layer) => layer.alias);
    expect(compressPattern(names)).toBe(text);
  }
});

test('sizes beyond reason are found by arithmetic', () => {
  const nested = '(((((M*99999)*99999)*99999)*99999)*99999)';
  const start = performance.now();
  expect(codes(source(`[${nested} A F]`))).toContain('HYB2031');
  expect(codes(source('[M*1_000_000_000 A F]'))).toContain('HYB2031');
  expect(codes(source(`[M*100_001]`))).toContain('HYB2031');
  expect(performance.now() - start).toBeLessThan(20_000);
  expect(model(source('[M*99_998 A F]')).layers).toHaveLength(100_000);
});

test('every mistake in a pattern is found in one run', () => {
  const text = source('[(M G)*0 MLP Mamba2*1.5 vocab (A H)*2 F]');
  expect(render(compile(text).diagnostics, text)).toMatchSnapshot();
});

test('letters that the map lacks are pointed at', () => {
  const text = source('pattern("MxA-xF", { M: M, A: B, "-": F, MM: M, M: A })');
  expect(render(compile(text).diagnostics, text)).toMatchSnapshot();
});

test.each([
  '[]',
  '[()*4]',
  '[(()*1000000)*1000000]',
  '12',
  '"M*-"',
  'M',
  'pattern()',
  'pattern("M")',
  'pattern("", { M: M })',
  'pattern(M, { M: M })',
])('is no pattern: %s', (text) => {
  expect(compile(source(text)).diagnostics.some((d) => d.severity === 'error')).toBe(true);
  expect(compile(source(text)).models).toEqual([]);
});
