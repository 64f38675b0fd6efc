/** `metrics.jsonl`: one line a step, also over interruptions. */
import { readText, replaceText } from '../files/text.js';
import type { Files, FileWriter } from '../files/types.js';
import { metricsLine } from './metrics.js';
import type { StepMetrics } from './metrics.js';

export const METRICS = 'metrics.jsonl';
const DELAY = 1000;

export interface RunLog {
  add(metrics: StepMetrics): Promise<void>;
  /** Everything that was added is in the file. */
  flush(): Promise<void>;
}

/** Opens the log of a run that goes on after `step`; lines of later steps, which will come again, are taken out. */
export async function openLog(files: Files, step: number, now: () => number): Promise<RunLog> {
  await keepUntil(files, step);
  let lines: string[] = [];
  let last = now();
  const flush = async (): Promise<void> => {
    last = now();
    if (lines.length === 0) return;
    const text = lines.join('');
    lines = [];
    const writer: FileWriter = await files.append(METRICS);
    try {
      await writer.write(new TextEncoder().encode(text));
    } finally {
      await writer.close();
    }
  };
  return {
    flush,
    add: async (metrics) => {
      lines.push(`${metricsLine(metrics)}\n`);
      if (now() - last >= DELAY) await flush();
    },
  };
}

/** A process that was killed may have left part of a line. */
async function keepUntil(files: Files, step: number): Promise<void> {
  if (!(await files.exists(METRICS))) return;
  const text = await readText(files, METRICS);
  const kept = text.split('\n').filter((line) => stepOf(line) <= step);
  const rest = kept.map((line) => `${line}\n`).join('');
  if (rest !== text) await replaceText(files, METRICS, rest);
}

function stepOf(line: string): number {
  try {
    const { step } = JSON.parse(line) as { step?: unknown };
    return typeof step === 'number' ? step : Infinity;
  } catch {
    return Infinity;
  }
}
