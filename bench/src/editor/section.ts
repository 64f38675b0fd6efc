/** How soon an editor knows what is wrong after a keystroke, and whether it stays that way. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatBytes, threeDigits } from '@hyb/compiler/inspect/units';
import { table } from '../report/markdown.js';
import type { Section, SectionContext } from '../report/section.js';
import { CASES } from './typing.js';
import type { CaseName, TypingTimes } from './typing.js';

const TITLES: Readonly<Record<CaseName, string>> = {
  model: 'a file of models, one file open',
  block: 'a file of blocks, two files that use it open too',
  single: 'everything in one file',
  long: 'a small project, all day',
};

/** Edits of a full run: enough for a p99, and as many as a day has. */
const MOST_EDITS: Readonly<Record<CaseName, number>> = { model: 1000, block: 1000, single: 1000, long: 10_000 };

interface Typed extends TypingTimes {
  readonly name: CaseName;
  readonly edits: number;
}

const run = promisify(execFile);

async function typing({ turn, onProgress }: SectionContext): Promise<readonly Typed[]> {
  const script = fileURLToPath(new URL('typing.js', import.meta.url));
  const names = Object.keys(CASES) as readonly CaseName[];
  const results: Typed[] = [];
  for (const [i, name] of names.entries()) {
    const edits = Math.min(MOST_EDITS[name], 10 * turn);
    onProgress(`typing into ${TITLES[name]}`, i / names.length);
    const { stdout } = await run(process.execPath, ['--expose-gc', script, name, String(edits)]);
    results.push({ name, edits, ...(JSON.parse(stdout) as TypingTimes) });
  }
  return results;
}

export const EDITOR: Section<readonly Typed[]> = {
  name: 'editor',
  title: 'Typing: from a keystroke to all findings',
  about: `A generated project of some 2,000 lines, and a small one for a whole day of typing. A line is typed letter by letter into
one of its files and taken away again; after each letter the language server gives the findings about all open files, as it does
for editors, without the time of its messages. Milliseconds a keystroke, half-written lines included. The heap is measured after
garbage collection, after a tenth of the edits and after all of them.`,
  parts: [],
  onAdapter: false,
  peers: false,
  seconds: 150,
  run: typing,
  report: (all) =>
    table(
      ['typing into', 'lines', 'edits', 'median', 'p99', 'CPU time, median', 'heap early', 'heap at the end'],
      all.map(({ name, lines, edits, median, p99, cpuMedian, heap: [early, late] }) => [
        TITLES[name],
        lines.toLocaleString('en-US'),
        edits.toLocaleString('en-US'),
        threeDigits(median),
        threeDigits(p99),
        threeDigits(cpuMedian),
        formatBytes(early),
        formatBytes(late),
      ]),
    ),
};
