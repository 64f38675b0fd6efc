import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadProject, memoryHost } from '@hyb/compiler';
import { applyFix, codes, compile, render } from '../support/compile.js';
import { library } from '../../src/std/library.generated.js';

const block = 'block Same(x: [time, width]) -> [time, width] { return x }\n';

test('the embedded library is what stands in compiler/std', () => {
  const folder = join(process.cwd(), 'compiler/std');
  const texts = Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  expect(Object.fromEntries(Object.entries(library).map(([name, file]) => [name, file.text]))).toEqual(texts);
});

test('the library parses, and declares the names that its index has', () => {
  for (const [file, { names }] of Object.entries(library)) {
    const uses = names.map((name) => `use std.${file.replace('.hyb', '')}.${name}`).join('\n');
    const { project, diagnostics } = compile(uses);
    expect(render(diagnostics, uses)).toBe('');
    expect(project.entries[0]!.scope.names()).toEqual(names);
  }
});

test('names are imported from the library and from relative files, under other names too', () => {
  const { project, diagnostics } = compile(
    {
      'models/main.hyb':
        'use std.{MLP, RMSNorm as Norm}\nuse std.mamba2.Mamba2\nuse "../blocks/same.hyb".{Same as Identity}',
      'blocks/same.hyb': block,
    },
    'models/main.hyb',
  );
  expect(diagnostics).toEqual([]);
  const { scope } = project.entries[0]!;
  expect(scope.names()).toEqual(['MLP', 'Norm', 'Mamba2', 'Identity']);
  expect(scope.find('Identity')!.scope.file).toBe('blocks/same.hyb');
  expect(scope.lookup('Norm')).toMatchObject({
    kind: 'block',
    declaration: { form: 'norm', name: { text: 'RMSNorm' } },
  });
});

test('only files that are named are read, each once', () => {
  const texts: Record<string, string> = {
    'main.hyb': 'use "./a.hyb".{A}\nuse "./b.hyb".{B}',
    'a.hyb': 'use "./c.hyb".{C}\nfn A(x) = x',
    'b.hyb': 'use "./c.hyb".{C}\nfn B(x) = x',
    'c.hyb': 'fn C(x) = x',
    'other.hyb': 'nonsense',
  };
  const reads: string[] = [];
  const project = loadProject({ read: (path) => (reads.push(path), texts[path]) }, 'main.hyb');
  expect(project.diagnostics).toEqual([]);
  expect(reads).toEqual(['main.hyb', 'a.hyb', 'c.hyb', 'b.hyb']);
});

test.each([
  '../outside.hyb',
  './../../etc/passwd.hyb',
  'a/../../outside.hyb',
  '/etc/passwd.hyb',
  'file:///etc/passwd.hyb',
  'hyb:std/norms.hyb',
  'C:\\\\models\\\\a.hyb',
  'a//b.hyb',
  '',
  'passwd',
])('a path that leads out of the project or is none is refused and never read: %s', (path) => {
  const reads: string[] = [];
  const project = loadProject(
    { read: (name) => (reads.push(name), name === 'main.hyb' ? `use "${path}".{X}` : 'fn X(x) = x') },
    'main.hyb',
  );
  expect(reads).toEqual(['main.hyb']);
  expect(project.diagnostics.map((d) => d.code)).toHaveLength(1);
  expect(['HYB1002', 'HYB1008']).toContain(project.diagnostics[0]!.code);
});

test('a circle of uses is shown as a chain, and its names raise nothing further', () => {
  const sources = {
    'main.hyb': 'use "./a.hyb".{A}\nmodel X = A with { width = 1 }',
    'a.hyb': 'use "./lib/b.hyb".{B}\nmodel A = B with { width = 1 }',
    'lib/b.hyb': 'use "../a.hyb".{A}\nmodel B = A with { width = 1 }',
  };
  expect(render(compile(sources).diagnostics, sources)).toMatchInlineSnapshot(`
   "error HYB1003 lib/b.hyb:1:5: These files use each other in a circle: a.hyb → lib/b.hyb → a.hyb.
     | use "../a.hyb".{A}
     |     ^^^^^^^^^^"
  `);
});

test('a file cannot use itself', () => {
  expect(codes('use "./main.hyb".{X}\nfn X(x) = x')).toContain('HYB1003');
});

test('slips in files and names get a fix', () => {
  const sources = { 'main.hyb': 'use "./bloks.hyb".{Same}\nuse std.{GatedMLp}\nuse sdt.{MLP}\n', 'blocks.hyb': block };
  const { diagnostics } = compile(sources);
  expect(render(diagnostics, sources)).toMatchInlineSnapshot(`
   "error HYB1001 main.hyb:1:5: There is no file 'bloks.hyb' in the project.
     | use "./bloks.hyb".{Same}
     |     ^^^^^^^^^^^^^
     fix: Did you mean \`"./blocks.hyb"\`?
   error HYB1005 main.hyb:2:10: 'std' declares no 'GatedMLp'.
     | use std.{GatedMLp}
     |          ^^^^^^^^
     fix: Did you mean \`GatedMLP\`?
   error HYB1004 main.hyb:3:5: There is no library 'sdt'.
     | use sdt.{MLP}
     |     ^^^
     fix: Did you mean \`std\`?"
  `);
  const fixed = [...diagnostics]
    .reverse()
    .reduce((text, diagnostic) => applyFix(text, diagnostic), sources['main.hyb']);
  expect(fixed).toBe('use "./blocks.hyb".{Same}\nuse std.{GatedMLP}\nuse std.{MLP}\n');
});

test('a missing entry file is a finding', () => {
  expect(loadProject(memoryHost({}), 'main.hyb').diagnostics.map((d) => d.code)).toEqual(['HYB1001']);
});

test('names that a file imports cannot be imported from it', () => {
  expect(codes({ 'main.hyb': 'use "./a.hyb".{MLP}', 'a.hyb': 'use std.{MLP}' })).toEqual(['HYB1005']);
});

test('names of the language of the implementation are names like any other', () => {
  expect(codes('use std.{constructor, __proto__, toString}')).toEqual(['HYB1005', 'HYB1005', 'HYB1005']);
  expect(codes('fn constructor(x) = x\nfn __proto__(x) = x\nfn hasOwnProperty(x) = x')).toEqual([]);
});
