/** After any edits, in any order, a session has found exactly what a fresh check finds. */
import type { Diagnostic } from '@hyb/grammar';
import fc from 'fast-check';
import { check } from '../../src/compile.js';
import { CheckSession } from '../../src/query/session.js';
import { modelSources } from '../support/models.js';

const blocks = `use std.{RMSNorm}

/// Twice its size.
fn twice(x) = x + x

block Leaky(rate = 0.5)(x: [time, width]) -> [time, width] {
  slot inner
  param gate = linear(width -> width)
  let a = sigmoid(gate(x)) * rate
  let y = scan (t in time, state h: [width] = 0) { h = a[t] * h + (1 - a[t]) * x[t]; yield h }
  return inner(twice(y))
}

block Wide(inner: int)(x: [time, width]) -> [time, width] {
  require inner % width == 0, "inner must be a multiple of width"
  param up = linear(width -> inner)
  param down = linear(inner -> width)
  param norm: [inner] = 1 when inner > 4
  return down(up(x) * norm)
}

block Limited(x: [time, width]) -> [time, width] {
  param limit: [width] = 1
  return where(x < limit, x, 0)
}

norm Scale(eps = 1e-5)(x: [..., features]) -> [..., features] {
  param scale: [features] = 1
  return x * rsqrt(mean(x ** 2, features) + eps) * scale
}
`;
const models = `use "./blocks.hyb".{Leaky, Limited, Wide, Scale}
use std.{Attention, MLP}

model Base {
  vocab = 64
  width = 32
  context = 128
  L = Leaky(rate = 0.25)
  W = Wide(inner = 2 * width)
  A = Attention(heads = 4)
  C = Limited
  norm = { pre = Scale, inner = Scale(eps = 1e-6) }
  layers = [L W A W]
  head = { norm = Scale, tie = true }
  weights = Map
  precision { activations = bf16, activations in A = f32 }
}

model Wider = Base with { width = 64, A.norm.qk = Scale }
model Other = Base with { layers = [(L W)*2], W.inner = 3 * width }

weights Map { "e.weight" = embedding.weight, "l.{layer}" = L.gate.weight }

model Cut = Base with { layers = [L C W] }
train Still of Cut { batch = 4 sequences, steps = 10, rate = 1e-3 }

train Run of Wider { batch = 4 sequences, steps = 10, rate = 1e-3, init = { L.gate = normal(0.1) } }

block Unused(x: [time, width]) { return x + 1 }
`;
const sources: Readonly<Record<string, string>> = {
  'blocks.hyb': blocks,
  'models.hyb': models,
  'nemotron.hyb': modelSources['nemotron-nano-9b-v2.hyb']!,
  'checkpoints.hyb': modelSources['checkpoints.hyb']!,
};
const entries = Object.keys(sources);
/** The entries that read a file. */
const readers: Readonly<Record<string, readonly string[]>> = {
  'blocks.hyb': ['blocks.hyb', 'models.hyb'],
  'models.hyb': ['models.hyb'],
  'nemotron.hyb': ['nemotron.hyb'],
  'checkpoints.hyb': ['checkpoints.hyb', 'nemotron.hyb'],
};
const pieces = [
  ...new Set(Object.values(sources).flatMap((text) => text.match(/[A-Za-z_]\w*|[\d.]+|"[^"\n]*"|\S/g) ?? [])),
];

const sorted = (diagnostics: readonly Diagnostic[]): readonly string[] =>
  diagnostics.map((each) => JSON.stringify(each)).sort();

interface Edit {
  readonly file: string;
  readonly at: number;
  readonly removed: number;
  readonly added: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  file: fc.constantFrom('blocks.hyb', 'models.hyb', 'models.hyb', ...entries),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.oneof(fc.constant(0), fc.nat(6), fc.nat(80)),
  added: fc.oneof(
    fc.constantFrom('', '\n', ' ', '\n\n// more\n', ...pieces),
    fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((all) => all.join(' ')),
  ),
});

function apply(text: string, { at, removed, added }: Edit): string {
  const start = Math.floor(at * text.length);
  return text.slice(0, start) + added + text.slice(start + removed);
}

test('a session finds what a check finds, before and after edits', () => {
  const runs = Number(process.env['HYB_EDITS'] ?? 10);
  fc.assert(
    fc.property(fc.array(fc.tuple(edit, fc.boolean()), { minLength: 1, maxLength: 8 }), (edits) => {
      const texts = new Map(Object.entries(sources));
      const host = { read: (path: string) => texts.get(path), list: () => [...texts.keys()] };
      const session = new CheckSession(host);
      const compare = (changed: readonly string[]): void => {
        for (const entry of changed) {
          expect(sorted(session.check(entry).diagnostics)).toEqual(sorted(check(host, entry).diagnostics));
        }
      };
      compare(entries);
      for (const [each, undone] of edits) {
        const before = texts.get(each.file)!;
        texts.set(each.file, apply(before, each));
        compare(readers[each.file]!);
        if (!undone) continue;
        texts.set(each.file, before);
        compare(readers[each.file]!);
      }
    }),
    { numRuns: runs, seed: 7 },
  );
});

test('parameters that no gradient reaches are found where they stand now', () => {
  const texts = new Map(Object.entries(sources));
  const host = { read: (path: string) => texts.get(path), list: () => [...texts.keys()] };
  const session = new CheckSession(host);
  const found = () => session.check('models.hyb').diagnostics.filter(({ code }) => code === 'HYB5014');
  const [first] = found();
  expect(blocks.slice(first!.span.start, first!.span.end)).toBe('x < limit');
  const above = '// A line more.\n';
  texts.set('blocks.hyb', `${above}${blocks}`);
  texts.set('models.hyb', models.replace('of Cut { batch = 4', 'of Cut { batch = 8'));
  const [second] = found();
  expect(second!.span.start).toBe(first!.span.start + above.length);
  texts.set('models.hyb', models.replace('of Cut {', 'of Cut { rates = { C.limit = 0 },'));
  expect(found()).toEqual([]);
});

test('files come and go', () => {
  const texts = new Map(Object.entries(sources));
  const host = { read: (path: string) => texts.get(path), list: () => [...texts.keys()] };
  const session = new CheckSession(host);
  const found = () => sorted(session.check('models.hyb').diagnostics);
  const first = found();
  texts.delete('blocks.hyb');
  expect(found().join()).toContain('HYB1001');
  expect(found()).toEqual(sorted(check(host, 'models.hyb').diagnostics));
  texts.set('blocks.hyb', blocks);
  expect(found()).toEqual(first);
});

test('what an edit does not touch is not done again', () => {
  const texts = new Map(Object.entries(sources));
  const host = { read: (path: string) => texts.get(path) };
  const session = new CheckSession(host);
  const first = session.check('models.hyb').models;
  texts.set('models.hyb', `// A line more.\n${models.replace('steps = 10', 'steps = 20')}`);
  const second = session.check('models.hyb').models;
  expect(first.map(({ checked }) => checked !== undefined)).toEqual([true, true, true, true]);
  for (const [i, { checked }] of second.entries()) expect(checked).toBe(first[i]!.checked);
});
