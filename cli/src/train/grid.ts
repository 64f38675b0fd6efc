/** The runs of a sweep: every combination of values, or a list. */
import { CliError } from '../terminal/errors.js';
import { parseChange } from './change.js';
import type { Change } from './change.js';

export interface SweepRun {
  /** `rate=1e-3 seed=2`; '' without changes. */
  readonly name: string;
  readonly changes: readonly Change[];
}

/** More is a slip. */
const MOST_RUNS = 1000;

/**
 * @param over `field=value,value…`: a grid over all of them
 * @param list `field=value; field=value`: runs of their own, each with every combination of the grid
 * @throws CliError for what is no change, and for too many runs
 */
export function sweepRuns(over: readonly string[], list: readonly string[]): readonly SweepRun[] {
  const axes = over.map((text) => {
    const { field, value } = parseChange(text);
    return splitOutside(value, ',').map((each): Change => ({ field, value: each }));
  });
  const single = list.map((text) => splitOutside(text, ';').map(parseChange));
  const count = axes.reduce((product, axis) => product * axis.length, Math.max(1, single.length));
  if (count > MOST_RUNS) throw new CliError(`This makes ${count} runs, and a sweep has ${MOST_RUNS} at most.`);
  let runs: readonly (readonly Change[])[] = single.length > 0 ? single : [[]];
  for (const axis of axes) runs = runs.flatMap((changes) => axis.map((change) => [...changes, change]));
  return runs.map((changes) => ({ changes, name: changes.map(({ field, value }) => `${field}=${value}`).join(' ') }));
}

/** A run's folder: numbers keep the order, and nothing in a name leads elsewhere. */
export function folderName({ name }: SweepRun, index: number): string {
  const readable = name.replace(/[^\w.=-]+/g, '_').slice(0, 80);
  return `${String(index + 1).padStart(3, '0')}${readable === '' ? '' : `-${readable}`}`;
}

/** Splits where no parenthesis, bracket or brace is open. */
function splitOutside(text: string, separator: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const character of text) {
    if ('([{'.includes(character)) depth += 1;
    if (')]}'.includes(character)) depth -= 1;
    if (character === separator && depth === 0) {
      parts.push(part.trim());
      part = '';
    } else part += character;
  }
  return [...parts, part.trim()].filter((each) => each !== '');
}
