import type { StepMetrics } from '@hyb/runtime';
import type { RunResult } from './results.mjs';

export interface GrowthRun {
  readonly rate: number;
  readonly seed: number;
  readonly finite: boolean;
  readonly metrics: readonly Pick<StepMetrics, 'step' | 'loss' | 'probes'>[];
}
export function writeReport(out: string, runs: readonly RunResult[], growth: readonly GrowthRun[]): Promise<string>;
