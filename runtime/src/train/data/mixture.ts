/** Which source the next sequence comes from. */
import type { Mix, Mixture } from '../recipe.js';
import { isPhases } from '../recipe.js';
import { stepOf } from '../run/length.js';
import type { RunLength } from '../run/length.js';

/** What each source is owed, in sequences. */
export type Credits = Readonly<Record<string, number>>;

/**
 * The source that is owed most, and the credits after it was served. At any time every source has had its share of the
 * sequences, up to about one.
 */
export function pick(weights: Mixture, credits: Credits): { readonly source: string; readonly credits: Credits } {
  const names = Object.keys(weights);
  const total = names.reduce((sum, name) => sum + weights[name]!, 0);
  const next: Record<string, number> = {};
  let best: string | undefined;
  for (const name of names) {
    next[name] = (credits[name] ?? 0) + weights[name]! / total;
    if (best === undefined || next[name] > next[best]!) best = name;
  }
  next[best!]! -= 1;
  return { source: best!, credits: next };
}

/** The weights at a step, counted from 1. Without a mix every source counts as much as there is of it. */
export function mixtureAt(
  mix: Mix | undefined,
  amounts: Mixture,
  length: Pick<RunLength, 'steps' | 'tokensPerStep'>,
  step: number,
): Mixture {
  if (mix === undefined) return amounts;
  if (!isPhases(mix)) return mix;
  const { mixes } = mix.arguments;
  const phase = mixes.find(({ until }) => until === undefined || step <= stepOf(until, length));
  return (phase ?? mixes.at(-1)!).of;
}
