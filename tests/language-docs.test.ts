/**
 * Every snippet of docs/language.md, README.md and other pages compiles, or gives exactly the error it says, and what the
 * language's page generates from tables is current. The info string of a snippet says how it is to be read:
 *
 * - `hyb`: a file; `hyb file=tiny.hyb`: a file that later snippets use;
 * - `hyb fragment=model`, `train`, `body`: what stands in a model, in a recipe or in a block's body; `fragment=file`: parts of a
 *   file that need not declare anything;
 * - `hyb error=HYB3010`: exactly this code.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { check, memoryHost } from '@hyb/compiler';
import { fillReference, REFERENCE_SECTIONS } from '@hyb/compiler/inspect/language-reference';
import { format } from 'prettier';
import { root } from './support/bundle.js';
import { PAGES_WITH_SNIPPETS, readPage, snippetsOf } from './support/snippets.js';
import type { Snippet } from './support/snippets.js';

const PAGE = 'docs/language.md';

const LIBRARY = 'use std.{Attention, GatedMLP, LayerNorm, LayerScale, Mamba2, MLP, RMSNorm}';

/** What a fragment leaves out, where it does not say it itself. */
function withDefaults(fragment: string, defaults: Readonly<Record<string, string>>): string {
  const missing = Object.entries(defaults).filter(([name]) => !new RegExp(`^${name}\\s*=`, 'm').test(fragment));
  return [...missing.map(([name, value]) => `${name} = ${value}`), fragment].join('\n');
}

const MODEL = {
  vocab: '256',
  width: '64',
  context: '1024',
  M: 'Mamba2(heads = 8, head_dim = 16, state = 16, groups = 2)',
  A: 'Attention(heads = 4, kv_heads = 2)',
  F: 'MLP(inner = 128)',
  norm: '{ pre = RMSNorm }',
  layers: '[M F M A F]',
  head: '{ norm = RMSNorm, tie = false }',
};

const RECIPE = { batch: '8', steps: '100', rate: '1e-3' };

function wholeFile({ text, marks, place }: Snippet): string {
  switch (marks['fragment']) {
    case undefined:
    case 'file':
      return text;
    case 'model':
      return `${LIBRARY}\nmodel Example {\n${withDefaults(text, MODEL)}\n}\n`;
    case 'train':
      return `${LIBRARY}\nmodel Example {\n${withDefaults('', MODEL)}\n}\ntrain Run of Example {\n${withDefaults(text, RECIPE)}\n}\n`;
    case 'body':
      return `block Example(x: [time, width]) -> [time, width] {\n${text}\n}\n`;
    default:
      throw new Error(`${place}: no such fragment`);
  }
}

describe.each(PAGES_WITH_SNIPPETS)('snippets of %s', (path) => {
  const all = snippetsOf(path);
  const files: Record<string, string> = {};
  for (const { text, marks } of all) if (marks['file'] !== undefined) files[marks['file']] = text;

  test('their marks mean something', () => {
    for (const { marks, place } of all) {
      for (const mark of Object.keys(marks)) expect(`${place} ${mark}`).toMatch(/ (file|fragment|error)$/);
    }
  });

  test.each(all.map((snippet) => [snippet.place, snippet] as const))('%s', (_, snippet) => {
    const { marks } = snippet;
    const name = marks['file'] ?? 'x.hyb';
    const { project, diagnostics } = check(memoryHost({ ...files, [name]: wholeFile(snippet) }), name);
    const errors = diagnostics.filter(({ severity }) => severity === 'error');
    const found = errors.map(({ code, message }) => (marks['error'] === undefined ? `${code} ${message}` : code));
    expect([...new Set(found)]).toEqual(marks['error'] === undefined ? [] : [marks['error']]);
    const declared = project.files.get(name)?.syntax.declarations ?? [];
    if (marks['fragment'] !== 'file') expect(declared.length).toBeGreaterThan(0);
  });
});

test('known pages are among those with snippets', () => {
  for (const path of [PAGE, 'README.md', 'docs/training.md']) expect(PAGES_WITH_SNIPPETS).toContain(path);
});

test('a snippet that is wrong would be found', () => {
  const wrong: Snippet = { place: '', text: 'return sigmiod(x)', marks: { fragment: 'body' } };
  const { diagnostics } = check(memoryHost({ 'x.hyb': wholeFile(wrong) }), 'x.hyb');
  expect(diagnostics.map(({ code }) => code)).toContain('HYB3001');
});

test('the generated sections are current (node scripts/language-reference.mjs)', async () => {
  const page = readPage(PAGE);
  expect(await format(fillReference(page), { parser: 'markdown', printWidth: 120 })).toBe(page);
  for (const section of REFERENCE_SECTIONS) expect(page).toContain(`<!-- generated: ${section} -->`);
});

test('links to headings and files lead somewhere', () => {
  const page = readPage(PAGE);
  const seen = new Map<string, number>();
  const anchors = [...page.replace(/^```[^]*?^```$/gm, '').matchAll(/^#+ (.*)$/gm)].map(([, title]) => {
    const slug = title!
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-');
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return `#${count === 0 ? slug : `${slug}-${count}`}`;
  });
  const links = [...page.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
  const inside = links.filter((link) => link.startsWith('#'));
  expect(inside.filter((link) => !anchors.includes(link))).toEqual([]);
  const outside = links.filter((link) => !link.startsWith('#'));
  expect(outside.filter((link) => !existsSync(join(root, 'docs', link)))).toEqual([]);
});
