/** Runs what is asked for and reports it: a table on stdout or JSON, and the page. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { conditions, load } from './report/conditions.js';
import { circumstances, updatePage } from './report/page.js';
import { Progress } from './report/progress.js';
import type { Effort, Measurement, Section } from './report/section.js';
import { SECTIONS } from './sections.js';

export interface BenchOptions {
  /** Names of sections or of their parts; empty: everything. */
  readonly only: readonly string[];
  readonly quick: boolean;
  /** Instead of the usual number. */
  readonly rounds: number | undefined;
  readonly json: boolean;
  /** The page to update; undefined: none. */
  readonly page: string | undefined;
}

const FULL: Effort = { rounds: 7, turn: 1000 };
const QUICK: Effort = { rounds: 2, turn: 200 };

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A section and the parts of it that were asked for. */
interface Chosen {
  readonly section: Section;
  readonly parts: ReadonlySet<string>;
}

/** @throws RangeError with a name that there is not */
export function choose(only: readonly string[]): readonly Chosen[] {
  for (const name of only) {
    if (SECTIONS.some(({ name: own, parts }) => own === name || parts.includes(name))) continue;
    const names = SECTIONS.flatMap((s) => [s.name, ...s.parts]).join(', ');
    throw new RangeError(`There is no benchmark ${name}. There are: ${names}.`);
  }
  if (only.length === 0) {
    return SECTIONS.filter(({ onRequest }) => !onRequest).map((section) => ({ section, parts: new Set() }));
  }
  return SECTIONS.flatMap((section) => {
    const whole = only.includes(section.name);
    const parts = new Set(whole ? [] : section.parts.filter((part) => only.includes(part)));
    return whole || parts.size > 0 ? [{ section, parts }] : [];
  });
}

export async function main({ only, quick, rounds, json, page }: BenchOptions): Promise<void> {
  const chosen = choose(only);
  const usual = quick ? QUICK : FULL;
  const effort = { ...usual, rounds: rounds ?? usual.rounds };
  const where = await conditions(root);
  const progress = new Progress();
  const measured: Measurement[] = [];
  const all = chosen.reduce((sum, { section }) => sum + section.seconds, 0);
  let before = 0;
  try {
    for (const { section, parts } of chosen) {
      const start = load();
      const result = await section.run({
        ...effort,
        root,
        parts,
        onProgress: (text, share) => progress.show(text, (before + share * section.seconds) / all),
      });
      before += section.seconds;
      measured.push({ section, effort, load: { before: start, after: load() }, result });
    }
  } finally {
    progress.stop();
  }
  if (json) {
    const sections = measured.map(({ section, load: loads, result }) => ({ name: section.name, load: loads, result }));
    console.log(JSON.stringify({ conditions: where, effort, sections }, null, 2));
  } else {
    for (const measurement of measured) {
      const { section, result } = measurement;
      console.log(`${section.title}\n${circumstances(where, measurement)}\n\n${section.report(result, where)}\n`);
    }
  }
  // Parts of a section would take the place of the whole.
  const whole = measured.filter(({ section }) => chosen.find((c) => c.section === section)!.parts.size === 0);
  if (page === undefined || whole.length === 0) return;
  const text = updatePage(existsSync(page) ? readFileSync(page, 'utf8') : '', SECTIONS, whole, where);
  writeFileSync(page, await format(text, { parser: 'markdown', printWidth: 120 }));
  console.error(`Wrote ${page}.`);
}
