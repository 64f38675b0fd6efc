export const LADDER: readonly number[];
export function readTexts(
  out: string,
): Promise<{ readonly training: string; readonly heldOut: string; readonly table: number }>;
