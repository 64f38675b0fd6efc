export function search(
  outcomes: ReadonlyMap<number, boolean>,
  rungs: number,
  guess?: number,
): { readonly largest: number; readonly next?: number };
export function runsLeft(outcomes: ReadonlyMap<number, boolean>, rungs: number, guess?: number): number;
