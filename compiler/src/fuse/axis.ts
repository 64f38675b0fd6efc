import type { Size } from '@hyb/runtime';

/**
 * What `time` runs over in a graph's kernels. The head runs over the rows whose logits are wanted: its position r stands
 * for the flat token `rows[r]`.
 */
export interface TimeAxis {
  readonly size: Size & ('tokens' | 'rows');
}
export const TOKENS: TimeAxis = { size: 'tokens' };
export const ROWS: TimeAxis = { size: 'rows' };
