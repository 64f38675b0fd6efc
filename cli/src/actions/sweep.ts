import { join, resolve } from 'node:path';
import { writeText } from '../files/write.js';
import { INTERRUPTED, onInterrupt } from '../generate/interrupt.js';
import { CliError, EXIT } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';
import { parseChange } from '../train/change.js';
import type { TrainingDevice } from '../train/devices.js';
import { folderName, sweepRuns } from '../train/grid.js';
import type { SweepRun } from '../train/grid.js';
import { formatLoss } from '../train/numbers.js';
import { openRun } from '../train/open-run.js';
import type { RunOptions } from '../train/open-run.js';
import { chartsOf } from '../train/report/charts.js';
import { printReport } from '../train/report/page.js';
import { readMetrics, REPORT } from '../train/report/run-report.js';
import { trainRun } from './train.js';

export interface SweepOptions extends RunOptions {
  readonly over?: readonly string[];
  readonly run?: readonly string[];
  readonly set?: readonly string[];
  readonly steps?: number;
  readonly device: TrainingDevice;
  readonly out?: string;
  readonly resume?: boolean;
}

/** What came of a run, as the report and `--json` have it. */
interface Outcome {
  readonly run: string;
  readonly folder: string;
  readonly outcome: 'done' | 'stopped' | 'interrupted';
  readonly step: number;
  readonly loss: number | null;
  readonly heldOutLoss: number | null;
  readonly bitsPerByte: number | null;
}

export async function sweep(io: Io, file: string, options: SweepOptions): Promise<number> {
  const runs = sweepRuns(options.over ?? [], options.run ?? []);
  if (runs.length === 1 && runs[0]!.name === '') {
    throw new CliError('What is to be varied?', '--over rate=1e-3,2e-3 makes a grid, --run "rate=1e-3; seed=2" a run.');
  }
  const common = (options.set ?? []).map(parseChange);
  if (options.steps !== undefined) common.push({ field: 'steps', value: String(options.steps) });
  // A slip in the last run is found before the first one has trained for an hour.
  const opened = [];
  for (const run of runs) opened.push({ run, opened: await openRun(io, file, options, [...common, ...run.changes]) });
  const out = options.out ?? `runs/sweep-${opened[0]!.opened.name}`;
  const { signal, release } = onInterrupt();
  const outcomes: Outcome[] = [];
  try {
    for (const [i, { run, opened: one }] of opened.entries()) {
      if (signal.aborted) break;
      if (!options.json) io.err(`\n${io.paintErr.bold(`${i + 1} of ${runs.length}: ${run.name}`)}\n`);
      const folder = join(out, folderName(run, i));
      const quiet: Io = {
        ...io,
        out: () => undefined,
        ...(options.json ? { interactive: false, err: () => undefined } : {}),
      };
      const code = await trainRun(quiet, one, { ...options, json: false, out: folder, signal, sample: 0 });
      outcomes.push(await outcomeOf(io, run, folder, code));
      await writeReport(io, out, one.name, outcomes);
    }
  } finally {
    release();
  }
  if (options.json) io.out(`${JSON.stringify({ ok: !signal.aborted, runs: outcomes }, null, 2)}\n`);
  else {
    for (const row of [HEAD, ...outcomes.map(cellsOf)])
      io.err(`${row.map((cell, i) => cell.padEnd(i === 0 ? 40 : 14)).join(' ')}\n`);
    io.out(`${join(out, REPORT)}\n`);
  }
  return signal.aborted ? INTERRUPTED : EXIT.ok;
}

async function outcomeOf(io: Io, { name }: SweepRun, folder: string, code: number): Promise<Outcome> {
  const metrics = await readMetrics(resolve(io.cwd, folder));
  const last = metrics.at(-1);
  const evaluation = metrics.filter((each) => each.evaluation !== undefined).at(-1)?.evaluation;
  return {
    run: name,
    folder,
    outcome: code === EXIT.ok ? 'done' : code === INTERRUPTED ? 'interrupted' : 'stopped',
    step: last?.step ?? 0,
    loss: last?.loss ?? null,
    heldOutLoss: evaluation?.loss ?? null,
    bitsPerByte: evaluation?.bitsPerByte ?? null,
  };
}

const HEAD = ['run', 'outcome', 'steps', 'last loss', 'held-out loss', 'bits per byte'];

function cellsOf({ run, outcome, step, loss, heldOutLoss, bitsPerByte }: Outcome): string[] {
  const or = (value: number | null): string => (value === null ? '–' : formatLoss(value));
  return [run, outcome, String(step), or(loss), or(heldOutLoss), or(bitsPerByte)];
}

async function writeReport(io: Io, out: string, name: string, outcomes: readonly Outcome[]): Promise<void> {
  const runs = await Promise.all(
    outcomes.map(async ({ run, folder }) => ({ name: run, metrics: await readMetrics(resolve(io.cwd, folder)) })),
  );
  const page = await printReport({
    title: `${name}: ${outcomes.length} runs`,
    facts: [],
    tables: [{ title: 'Outcomes', head: HEAD, rows: outcomes.map(cellsOf) }],
    charts: chartsOf(runs),
    texts: [],
  });
  await writeText(join(resolve(io.cwd, out), REPORT), page);
}
