export interface RunResult {
  readonly method: string;
  readonly seed: number;
  readonly rung: number;
  readonly rate: number;
  readonly converged: boolean;
  readonly reason?: string;
  readonly steps: number;
  readonly heldOut: number | null;
  readonly losses: readonly number[];
  readonly seconds: number;
}
export function designKey(...parts: readonly unknown[]): string;
export class Results<Run = RunResult> {
  constructor(path: string, design: string);
  readonly runs: readonly Run[];
  add(run: Run): void;
  outcomes(method: string, seed: number): ReadonlyMap<number, boolean>;
}
