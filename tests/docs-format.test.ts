/** Snippets of pages stand there as `hyb fmt` writes them. One that does not parse says which error it is there to show. */
import { format, SyntaxErrors } from '@hyb/grammar/format/format';
import { PAGES_WITH_SNIPPETS, snippetsOf } from './support/snippets.js';
import type { Snippet } from './support/snippets.js';

/** Where a fragment would stand in a file. */
const FRAMES: Readonly<Record<string, string>> = {
  model: 'model Example {',
  train: 'train Run of Example {',
  body: 'block Example(x: [time, width]) {',
};

async function formatted({ text, marks }: Pick<Snippet, 'text' | 'marks'>): Promise<string> {
  const frame = FRAMES[marks['fragment'] ?? 'file'];
  if (frame === undefined) return format(text);
  const lines = (await format(`${frame}\n${text}}\n`)).split('\n').slice(1, -2);
  return lines.map((line) => `${line.replace(/^ {2}/, '')}\n`).join('');
}

const all = PAGES_WITH_SNIPPETS.flatMap(snippetsOf);

test.each(all.map((snippet) => [snippet.place, snippet] as const))('%s', async (_, snippet) => {
  try {
    expect(await formatted(snippet)).toBe(snippet.text);
  } catch (error) {
    if (!(error instanceof SyntaxErrors)) throw error;
    expect(error.diagnostics.map(({ code }) => code)).toContain(snippet.marks['error']);
  }
});

test('a snippet in another style is told from one in this', async () => {
  const fields = 'width = 64\ncontext = 128\n';
  expect(await formatted({ text: fields, marks: { fragment: 'model' } })).toBe('width   = 64\ncontext = 128\n');
  expect(await formatted({ text: 'use std.{ MLP }\n', marks: {} })).toBe('use std.{MLP}\n');
});
