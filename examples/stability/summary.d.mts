import type { RunResult } from './results.mjs';

export interface MethodSummary {
  readonly method: string;
  readonly seeds: readonly { readonly seed: number; readonly largest?: number; readonly rate?: number | null }[];
  readonly answered: number;
  readonly lowest?: number;
  readonly highest?: number;
  readonly median?: number;
}
export function summarize(runs: readonly RunResult[]): readonly MethodSummary[];
