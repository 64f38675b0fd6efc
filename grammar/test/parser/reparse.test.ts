/** Reading a text again gives what reading it the first time gives, and keeps what no edit is near. */
import { parse } from '@hyb/grammar';
import { reparse, type ParsedText } from '@hyb/grammar/parser/reparse';
import fc from 'fast-check';
import { arbitrarySoup, arbitrarySource } from '../support/arbitrary-source.js';
import { design, hybFiles } from '../support/sources.js';

const sources = [...hybFiles().map(({ text }) => text), ...Object.values(design), Object.values(design).join('\n')];

/** Pieces that begin and end parts of a text, which the cutting of texts has to see as the parser does. */
const HINGES = [
  ...['\n', '\r\n', '\r', '\u2028', '\n\n', '// a', '/// a\n', '/// a', '//', '/*', '*/', '"', "'", '\\', 'é', '\0'],
  ...['(', ')', '[', ']', '{', '}', ',', ';', '=', ' with { ', '\n}\n', ' }', '@', '.', '!', '//\n'],
  ...['\nmodel X {', '\nmodel X = Y', '\nblock B(x: [time, width]) { return x }\n', '\nfn f(x) = x', '\nfn f(x) = x +'],
  ...[
    '\nuse std.{MLP}\n',
    '\nuse "./a.hyb".{B}',
    '\nnorm N',
    '\nweights in A = f32',
    '\nweights W {',
    '\ntrain T of',
    'fn ',
  ],
  ...['model', 'block ', 'norm', '\n  ', '\nmodel é {', 'dim h = width // heads\n'],
];

const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.oneof(fc.constant(0), fc.nat(4), fc.nat(60), fc.nat(600)),
  added: fc.oneof(
    fc.constantFrom('', ...HINGES),
    fc.array(fc.constantFrom(...HINGES), { maxLength: 4 }).map((all) => all.join('')),
    arbitrarySoup().map((soup) => soup.slice(0, 30)),
  ),
});

test('after any edits, what parsing finds', () => {
  const numRuns = Number(process.env['HYB_EDITS'] ?? 100);
  const text = fc.oneof(fc.constantFrom(...sources), arbitrarySource({ keywordsAsValues: true }));
  fc.assert(
    fc.property(text, text, fc.array(fc.tuple(edit, fc.boolean()), { minLength: 1, maxLength: 8 }), (a, b, edits) => {
      let known: ParsedText | undefined;
      let current = `${a}\n${b}`;
      for (const [{ at, removed, added }, undone] of edits) {
        const start = Math.floor(at * current.length);
        const changed = current.slice(0, start) + added + current.slice(start + removed);
        for (const next of undone ? [current, changed, current] : [current, changed]) {
          known = reparse(next, 'a.hyb', known);
          const { file, diagnostics } = known;
          const fresh = parse(next, 'a.hyb');
          // Compared as JSON, which leaves nothing out of a tree: matchers take longer than parsing.
          if (JSON.stringify({ file, diagnostics }) !== JSON.stringify(fresh)) {
            expect({ file, diagnostics }).toEqual(fresh);
          }
        }
        if (!undone) current = changed;
      }
    }),
    { numRuns, seed: 3 },
  );
});

const five = ['A', 'B', 'C', 'D', 'E'].map((name) => `/// ${name}\nfn ${name}(x) = x\n`).join('\n');

test('what no edit is near is not read again', () => {
  const first = reparse(five, 'a.hyb');
  const second = reparse(five.replace('C(x) = x', 'C(x) = x + 1'), 'a.hyb', first);
  expect(second.file.declarations[0]).toBe(first.file.declarations[0]);
  expect(second.file.declarations[1]).not.toBe(first.file.declarations[1]);
  // What has moved is moved when it is looked at.
  const [, , , , last] = second.file.declarations;
  expect(Object.getOwnPropertyDescriptor(last, 'body')?.get).toBeDefined();
  expect(second.file).toEqual(parse(second.text, 'a.hyb').file);
  expect(Object.getOwnPropertyDescriptor(last, 'body')?.get).toBeUndefined();
  const back = reparse(five, 'a.hyb', second);
  expect(back.file.declarations[4]).toBe(first.file.declarations[4]);
});

test('a half-written declaration is read without its neighbours', () => {
  const first = reparse(five, 'a.hyb');
  const broken = reparse(five.replace('C(x) = x', 'C(x) = (x +'), 'a.hyb', first);
  expect(broken.diagnostics).not.toEqual([]);
  const more = reparse(five.replace('C(x) = x', 'C(x) = (x + 1'), 'a.hyb', broken);
  expect(more.file.declarations[0]).toBe(first.file.declarations[0]);
});
