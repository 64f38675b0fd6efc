import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  catalogue,
  check,
  errorIndex,
  errorPage,
  exampleFiles,
  exampleModel,
  memoryHost,
  repeatedCodes,
} from '@hyb/compiler';
import { render } from '../support/compile.js';
import type { Diagnostic } from '@hyb/grammar';

const folder = join(process.cwd(), 'docs/errors');

test('no code stands in two tables', () => {
  expect(repeatedCodes()).toEqual([]);
});

const all = [...catalogue].map(([code, entry]) => ({ code, entry }));
const stageOf = (code: string): string => code.slice(0, 4);
/** Examples of the parser's and of the import's findings are held against those stages alone, in their own tests. */
const resolved = all.filter(({ code }) => !['HYB0', 'HYB7'].includes(stageOf(code)));

describe.each(resolved)('$code', ({ code, entry }) => {
  test('the example triggers exactly this code', () => {
    expect([...new Set(diagnose(entry.example).map((d) => d.code))]).toEqual([code]);
  });

  test('the repaired example compiles', () => {
    expect(render(diagnose(entry.fixed), exampleFiles(entry.fixed))).toBe('');
  });
});

test.each(all)('the page of $code is current', ({ code, entry }) => {
  const page = join(folder, `${code}.md`);
  expect(existsSync(page) ? readFileSync(page, 'utf8') : 'missing').toBe(errorPage(code, entry));
});

test('there are no other pages', () => {
  const pages = readdirSync(folder).filter((name) => name !== 'README.md');
  expect(pages.sort()).toEqual([...catalogue.keys()].map((code) => `${code}.md`));
  expect(readFileSync(join(folder, 'README.md'), 'utf8')).toBe(errorIndex(catalogue));
});

/** All findings of reading, resolving and tracing the files, and of holding weight maps against the parameters. */
function diagnose(source: string): readonly Diagnostic[] {
  const name = exampleModel(source);
  return check(memoryHost(exampleFiles(source)), 'main.hyb', name === undefined ? {} : { model: name }).diagnostics;
}
