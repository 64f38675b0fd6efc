/** docs/training.md: its models hold together, its commands exist as they are written. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProgram } from '@hyb/cli/program';
import { processIo } from '@hyb/cli/terminal/io';
import { check, memoryHost } from '@hyb/compiler';
import ts from 'typescript';
import { strictTypeErrors } from '../compiler/test/support/strict-types.js';
import { root } from './support/bundle.js';

const text = readFileSync(join(root, 'docs/training.md'), 'utf8');
const blocks = (language: string): readonly string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))].map((match) => match[1]!);

test.each(blocks('hyb'))('a model and its recipes', (source) => {
  const { trains, models, diagnostics } = check(memoryHost({ 'model.hyb': source }), 'model.hyb');
  expect(diagnostics).toEqual([]);
  expect([models.length, trains.map(({ name }) => name)]).toEqual([1, ['Novel', 'Careful']]);
});

const commands = blocks('sh').flatMap((block) => block.trimEnd().split('\n'));

test('there are commands', () => expect(commands.length).toBeGreaterThan(10));

test.each(commands)('%s', async (line) => {
  const words = [...line.replace(/\s+#.*$/, '').matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2]!);
  expect(words[0]).toBe('hyb');
  let called = 0;
  const program = createProgram({ io: processIo(), run: () => Promise.resolve(void (called += 1)) }, '0');
  program.exitOverride();
  await program.parseAsync(words.slice(1), { from: 'user' });
  expect(called).toBe(1);
});

test.each(blocks('ts'))('TypeScript that compiles', (source) => {
  const folder = mkdtempSync(join(tmpdir(), 'hyb-docs-'));
  try {
    const file = join(folder, 'training.mts');
    writeFileSync(file, source);
    const errors = strictTypeErrors([file], {
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
    });
    expect(errors).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
