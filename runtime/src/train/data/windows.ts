/** Documents one after another, cut into training sequences of equal length. */
import type { TrainingSequence } from '../engine.js';
import type { TokenSource } from './tokens.js';

/**
 * Windows over the tokens of a source. Neighbours share one token, so that every token but the source's first is
 * predicted once.
 */
export interface Windows {
  readonly source: TokenSource;
  /** Tokens in a window. */
  readonly length: number;
  readonly first: number;
  readonly count: number;
}

/** All whole windows of a source; a source that is shorter than one has a short one. With `rest`, what is left at the end. */
export function windowsOf(source: TokenSource, length: number, { rest = false } = {}): Windows {
  const steps = (source.info.tokens - 1) / (length - 1);
  const whole = Math.floor(steps);
  const count = source.info.tokens < 2 ? 0 : whole === 0 || (rest && steps > whole) ? whole + 1 : whole;
  return { source, length, first: 0, count };
}

/** The last of the windows, about as many as wanted, and the others. Each side has at least one where there are two. */
export function split(windows: Windows, wanted: number): { readonly before: Windows; readonly after: Windows } {
  const most = Math.max(0, windows.count - 1);
  const held = Math.min(most, Math.max(1, Math.round(wanted)));
  const before = { ...windows, count: windows.count - held };
  return { before, after: { ...windows, first: windows.first + before.count, count: held } };
}

/** Pieces of documents in a window: sequences of their own, which do not see each other. */
export async function readWindow(
  { source, length, first }: Windows,
  index: number,
): Promise<readonly TrainingSequence[]> {
  const start = (first + index) * (length - 1);
  const pieces = await source.read(start, Math.min(length, source.info.tokens - start));
  // A single token predicts nothing.
  return pieces.filter((tokens) => tokens.length > 1).map((tokens) => ({ tokens }));
}
