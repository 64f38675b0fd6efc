/** What a program must move and compute. */
export interface Work {
  readonly bytes: number;
  readonly operations: number;
}

/** What an adapter reaches, per second. */
export interface Peaks {
  readonly bytes: number;
  /** Operations of a large matrix product. */
  readonly products: number;
  /** Operations between registers. */
  readonly operations: number;
}

/**
 * Seconds that the work takes at least. `stream`: weights are read once and used once, so memory or arithmetic limits;
 * `products`: weights are used many times, as in a matrix product.
 */
export function leastSeconds(work: Work, peaks: Peaks, kind: 'stream' | 'products'): number {
  const arithmetic = kind === 'stream' ? peaks.operations : peaks.products;
  return Math.max(work.bytes / peaks.bytes, work.operations / arithmetic);
}
