/** The report of one run. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StepMetrics } from '@hyb/runtime';
import { writeText } from '../../files/write.js';
import { formatDuration, formatLoss, formatPerplexity, formatRate } from '../numbers.js';
import { chartsOf } from './charts.js';
import { printReport } from './page.js';

export interface RunFacts {
  readonly title: string;
  readonly device: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly samples: readonly { readonly title: string; readonly text: string }[];
}

export const REPORT = 'report.html';

/** Reads the run's log and writes `report.html` beside it. */
export async function writeRunReport(folder: string, { title, device, facts, samples }: RunFacts): Promise<string> {
  const metrics = await readMetrics(folder);
  const page = await printReport({
    title,
    facts: [...facts, ['device', device], ...outcome(metrics)],
    charts: chartsOf([{ name: title, metrics }]),
    texts: [...events(metrics), ...samples],
  });
  const path = join(folder, REPORT);
  await writeText(path, page);
  return path;
}

export async function readMetrics(folder: string): Promise<readonly StepMetrics[]> {
  const path = join(folder, 'metrics.jsonl');
  if (!existsSync(path)) return [];
  const lines = (await readFile(path, 'utf8')).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as StepMetrics);
}

export function outcome(metrics: readonly StepMetrics[]): readonly (readonly [string, string])[] {
  const last = metrics.at(-1);
  if (last === undefined) return [];
  const { evaluation } = metrics.filter((each) => each.evaluation !== undefined).at(-1) ?? {};
  return [
    ['steps', formatRate(last.step)],
    ['tokens', formatRate(last.tokens)],
    ['time', formatDuration(last.seconds)],
    ['last loss', `${formatLoss(last.loss)} nats`],
    ...(evaluation === undefined
      ? []
      : ([
          ['held-out loss', `${formatLoss(evaluation.loss)} nats`],
          ['perplexity', formatPerplexity(evaluation.perplexity)],
          ['bits per byte', formatLoss(evaluation.bitsPerByte)],
        ] as const)),
  ];
}

function events(metrics: readonly StepMetrics[]): readonly { readonly title: string; readonly text: string }[] {
  const faults = metrics.flatMap(({ fault }) => (fault === undefined ? [] : [fault.message]));
  return faults.length === 0 ? [] : [{ title: 'What went wrong', text: faults.join('\n') }];
}
