import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  catalogue,
  errorIndex,
  errorPage,
  exampleFiles,
  exampleModel,
  repeatedCodes,
  resolveWeightMap,
} from '@hyb/compiler';
import { compile, render } from '../support/compile.js';

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
    expect(findings(entry.example)).toEqual([code]);
  });

  test('the repaired example compiles', () => {
    const files = exampleFiles(entry.fixed);
    const { diagnostics } = compile(files, 'main.hyb', exampleModel(entry.fixed));
    expect(render(diagnostics, files)).toBe('');
    expect(findings(entry.fixed)).toEqual([]);
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

/** Codes of all findings, each once; weight maps are held against parameters of the shape that MLP declares. */
function findings(source: string): readonly string[] {
  const { diagnostics, models } = compile(exampleFiles(source), 'main.hyb', exampleModel(source));
  const maps = models.flatMap((model) => {
    const mlp = (layer: number): { path: string; shape: number[] }[] => [
      { path: `layers.${layer}.up.weight`, shape: [128, 64] },
      { path: `layers.${layer}.down.weight`, shape: [64, 128] },
    ];
    const parameters = [
      { path: 'embedding.weight', shape: [256, 64] },
      { path: 'head.weight', shape: [256, 64] },
      ...model.layers.flatMap((layer) => mlp(layer.index)),
    ];
    return resolveWeightMap(model, parameters).diagnostics;
  });
  return [...new Set([...diagnostics, ...maps].map((d) => d.code))];
}
