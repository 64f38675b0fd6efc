import { applyEdits, format, formatDeclarations, parse, sameMeaning, SyntaxErrors } from '@hyb/grammar';
import fc from 'fast-check';
import { arbitrarySource } from '../support/arbitrary-source.js';
import { design, hybFiles } from '../support/sources.js';

const sources = [...hybFiles(), ...Object.entries(design).map(([name, text]) => ({ path: `design: ${name}`, text }))];

function commentsOf(text: string): readonly string[] {
  return parse(text, 'input.hyb').file.comments.map(
    ({ text: comment, doc }) => `${doc ? '///' : '//'}${comment.trimEnd()}`,
  );
}

test.each(sources)('$path: formatting is idempotent, keeps the meaning and every comment', async ({ path, text }) => {
  const formatted = await format(text, { file: path });
  expect(await format(formatted)).toBe(formatted);
  expect(sameMeaning(parse(text, path).file, parse(formatted, path).file)).toBe(true);
  expect(commentsOf(formatted)).toEqual(commentsOf(text));
  expect(Math.max(...formatted.split('\n').map((line) => line.replace(/\/\/.*/, '').length))).toBeLessThanOrEqual(120);
});

test.each(sources)(
  '$path: each declaration by itself gets the form that it has in the whole',
  async ({ path, text }) => {
    const items = (source: string): readonly string[] => {
      const { uses, declarations } = parse(source, path).file;
      return [...uses, ...declarations].map(({ span }) => source.slice(span.start, span.end));
    };
    const edits = await formatDeclarations(text, { start: 0, end: text.length });
    expect(items(applyEdits(text, edits))).toEqual(items(await format(text)));
  },
);

test.each(Object.entries(design))('the design: %s', async (_, text) => {
  expect(await format(text)).toMatchSnapshot();
});

test.each([true, false])('random files (keywords as values: %s)', async (keywordsAsValues) => {
  await fc.assert(
    fc.asyncProperty(arbitrarySource({ keywordsAsValues }), fc.constantFrom(120, 40, 10), async (text, width) => {
      const { diagnostics } = parse(text, 'input.hyb');
      fc.pre(diagnostics.every(({ severity }) => severity !== 'error'));
      const formatted = await format(text, { width });
      expect(await format(formatted, { width })).toBe(formatted);
      expect(commentsOf(formatted)).toEqual(commentsOf(text));
    }),
    { numRuns: 40 },
  );
});

test('a file with errors is refused with its diagnostics', async () => {
  const promise = format('model A { width: 64 vocab = }', { file: 'a.hyb' });
  await expect(promise).rejects.toBeInstanceOf(SyntaxErrors);
  await promise.catch((error: SyntaxErrors) => {
    expect(error.diagnostics.map(({ code }) => code)).toEqual(['HYB0204', 'HYB0301']);
    expect(error.diagnostics.every(({ span }) => span.file === 'a.hyb')).toBe(true);
  });
});
