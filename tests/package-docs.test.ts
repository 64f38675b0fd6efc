/** docs/packages.md and docs/api.md: every program of the guide type-checks against a compiled package, and every name is there. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as runtime from '@hyb/runtime';
import ts from 'typescript';
import { strictTypeErrors } from '../compiler/test/support/strict-types.js';
import { root } from './support/bundle.js';
import { goldenPackage } from './support/golden-package.js';
import { trainingPackage } from './support/training-package.js';

const page = (name: string): string => readFileSync(join(root, 'docs', name), 'utf8');
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hyb-docs-'));
  const novel = readFileSync(join(root, 'examples/training/novel.hyb'), 'utf8');
  // Names of tensors do not matter here.
  const source = novel.replace(/^use ".*\n/m, '').replace('weights = NemotronHF', '');
  const packages = {
    'tiny-hybrid': await goldenPackage('nh_a_gqa_g2'),
    novelist: await trainingPackage(source, 'novelist'),
  };
  for (const [name, files] of Object.entries(packages)) {
    for (const [file, text] of files) {
      const path = join(folder, name, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the programs of the guide type-check, strictly', () => {
  const snippets = [...page('packages.md').matchAll(/^```ts\n([^]*?)^```$/gm)].map((match) => match[1]!);
  expect(snippets.length).toBeGreaterThan(8);
  const files = snippets.map((text, i) => {
    const file = join(folder, `snippet-${i}.mts`);
    writeFileSync(file, text);
    return file;
  });
  const errors = strictTypeErrors(files, {
    target: ts.ScriptTarget.ESNext,
    lib: ['lib.esnext.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    paths: {
      '@hyb/adapter': [join(root, 'adapter/dist/index.d.ts')],
      'tiny-hybrid': [join(folder, 'tiny-hybrid/index.d.ts')],
      novelist: [join(folder, 'novelist/index.d.ts')],
    },
  });
  expect(errors).toEqual([]);
}, 120_000);

/** Names in the first column of the table under a heading. */
function rows(heading: string): string[] {
  const [, section] = page('api.md').split(new RegExp(`^#+ ${heading}$`, 'm'));
  const table = section!.split(/^#+ /m)[0]!;
  return [...table.matchAll(/^\| `(\w+)` +\|/gm)].map((match) => match[1]!);
}

test('what the page says is exported is there', () => {
  for (const heading of ['Devices', 'Checkpoints', 'Text', 'Texts and files of runs', 'Errors']) {
    const names = rows(heading);
    expect(names.length).toBeGreaterThan(1);
    for (const name of names) expect(Object.keys(runtime)).toContain(name);
  }
});

test('tables of members are complete', () => {
  const program = ts.createProgram([join(root, 'runtime/dist/index.d.ts')], { types: [], skipLibCheck: true });
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(join(root, 'runtime/dist/index.d.ts'))!)!;
  const exports = new Map(checker.getExportsOfModule(module).map((symbol) => [symbol.name, symbol]));
  const members = (name: string): string[] => {
    const type = checker.getDeclaredTypeOfSymbol(checker.getAliasedSymbol(exports.get(name)!));
    const properties = checker.getPropertiesOfType(type).map((property) => property.name);
    return properties.filter((property) => /^[a-z]\w*$/i.test(property)).sort();
  };
  for (const name of ['LoadOptions', 'GenerateOptions', 'PackageTrainOptions', 'State']) {
    expect({ [name]: rows(`\`${name}\``).sort() }).toEqual({ [name]: members(name) });
  }
  // Its device, tokenizer and program are what it was loaded with.
  const given = ['device', 'program', 'tokenizer'];
  expect(rows('`Model`').sort()).toEqual(members('Model').filter((member) => !given.includes(member)));
});

test('every code of errors is listed', () => {
  const source = readFileSync(join(root, 'runtime/src/errors.ts'), 'utf8');
  const [, union] = /export type ErrorCode =([^;]*);/.exec(source)!;
  const codes = [...union!.matchAll(/'([\w-]+)'/g)].map((match) => match[1]!);
  expect(codes.length).toBeGreaterThan(10);
  const section = page('api.md').split('## Errors')[1]!;
  for (const code of codes) expect(section).toContain(`\`${code}\``);
});
