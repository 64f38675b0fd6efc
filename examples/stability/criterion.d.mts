export const SHARE_OF_TABLE: number;
export const RISE: number;
export const HOPELESS: number;
export const PATIENCE: number;
export function isHopeless(losses: readonly number[], vocab: number): boolean;
export function verdict(curve: {
  readonly losses: readonly number[];
  readonly steps: number;
  readonly finite: boolean;
  readonly heldOut?: number | undefined;
  readonly table: number;
}): { readonly converged: boolean; readonly reason?: string };
