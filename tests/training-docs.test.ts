/** docs/training.md: its models hold together, its commands exist as they are written. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProgram } from '@hyb/cli/program';
import { processIo } from '@hyb/cli/terminal/io';
import { check, memoryHost } from '@hyb/compiler';
import ts from 'typescript';
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
  const file = join(root, 'tests/docs-training.ts');
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
    types: ['@webgpu/types'],
  };
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2022) : read(name, ...rest);
  const exists = host.fileExists.bind(host);
  host.fileExists = (name) => name === file || exists(name);
  const found = ts.getPreEmitDiagnostics(ts.createProgram([file], options, host));
  expect(found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
});
