/** A run before one's eyes: a line that is redrawn in a terminal, lines every so often elsewhere. */
import type { StepMetrics } from '@hyb/runtime';
import type { Io } from '../terminal/io.js';
import { formatDuration, formatLoss, formatPerplexity, formatRate, formatScientific } from './numbers.js';

export interface RunProgress {
  show(metrics: StepMetrics): void;
  /** Something is done that no step is. */
  say(text: string): void;
  /** Takes the live line away. */
  stop(): void;
}

/** Between lines where nobody watches. */
const PATIENCE = 10_000;
const REDRAW = 100;

export async function runProgress(io: Io, steps: number): Promise<RunProgress> {
  if (!io.interactive) return plainProgress(io, steps);
  const { createLogUpdate } = await import('log-update');
  return liveProgress(io, steps, createLogUpdate(process.stderr));
}

function plainProgress(io: Io, steps: number): RunProgress {
  const left = estimate(steps);
  let last = -Infinity;
  return {
    show(metrics) {
      const remaining = left(metrics);
      const special = metrics.fault ?? metrics.notice ?? metrics.evaluation ?? metrics.checkpoint;
      const now = performance.now();
      if (special === undefined && now - last < PATIENCE && metrics.step !== steps) return;
      last = now;
      io.err(`${line(metrics, steps, remaining)}\n`);
      for (const event of events(metrics)) io.err(`${event}\n`);
    },
    say: (text) => io.err(`${text}\n`),
    stop: () => undefined,
  };
}

interface LogUpdate {
  (text: string): void;
  clear(): void;
}

function liveProgress(io: Io, steps: number, update: LogUpdate): RunProgress {
  const { paintErr } = io;
  const left = estimate(steps);
  let last = -Infinity;
  return {
    show(metrics) {
      const remaining = left(metrics);
      for (const event of events(metrics)) {
        update.clear();
        io.err(`${metrics.fault === undefined ? event : paintErr.yellow(event)}\n`);
      }
      const now = performance.now();
      if (now - last < REDRAW && metrics.step !== steps) return;
      last = now;
      const share = metrics.step / steps;
      const full = Math.round(24 * share);
      const bar = `${paintErr.cyan('█'.repeat(full))}${'░'.repeat(24 - full)}`;
      update(`${bar} ${line(metrics, steps, remaining)}`);
    },
    say(text) {
      update.clear();
      io.err(`${text}\n`);
    },
    stop: () => update.clear(),
  };
}

function line(metrics: StepMetrics, steps: number, remaining: number): string {
  const { step, loss, rate, gradientNorm, tokensPerSecond, share } = metrics;
  const parts = [
    `step ${step}/${steps}`,
    `loss ${formatLoss(loss)}`,
    `rate ${formatScientific(rate)}`,
    `gradient ${formatScientific(gradientNorm)}`,
    `${formatRate(tokensPerSecond)} tokens/s`,
    ...(share === undefined ? [] : [`${(100 * share).toFixed(1)} % of peak`]),
    ...(step < steps ? [`${formatDuration(remaining)} left`] : []),
  ];
  return parts.join('  ');
}

/** What a step had beside itself. */
function events({ step, evaluation, checkpoint, fault, notice }: StepMetrics): readonly string[] {
  const found: string[] = [];
  if (fault !== undefined) found.push(fault.message);
  if (notice !== undefined) found.push(notice);
  if (evaluation !== undefined) {
    const { loss, perplexity, bitsPerByte } = evaluation;
    found.push(
      `step ${step}: held-out loss ${formatLoss(loss)}, perplexity ${formatPerplexity(perplexity)}, ${formatLoss(bitsPerByte)} bits per byte`,
    );
  }
  if (checkpoint !== undefined) found.push(`step ${step}: checkpoint ${checkpoint}`);
  return found;
}

/** Seconds that are left, by a running mean of what steps take. */
function estimate(steps: number): (metrics: StepMetrics) => number {
  let mean: number | undefined;
  let before: StepMetrics | undefined;
  return (metrics) => {
    const took = metrics.seconds - (before?.seconds ?? metrics.seconds);
    if (before !== undefined) mean = mean === undefined ? took : mean + 0.1 * (took - mean);
    before = metrics;
    return (steps - metrics.step) * (mean ?? metrics.seconds / metrics.step);
  };
}
