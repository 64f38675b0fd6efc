/**
 * What sampling means, in f64: the filters in the order of Hugging Face's transformers (repetition penalty, temperature,
 * top-k, top-p, min-p), then a draw from the softmax of what is left. The draw is a race: the token of the largest
 * score + Gumbel noise wins, and the noise of a token is a function of (seed, step, token) alone, so that what a
 * sequence says does not depend on the batch that it is in.
 *
 * Of equal scores at the edge of top-k or top-p, all stay.
 */
import { randomBits } from '../../numeric/random-bits.js';

export interface SamplerSettings {
  /** 0: greedy. */
  readonly temperature: number;
  /** 0: all. */
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly seed: number;
  readonly step: number;
}

/** Logits after penalty and temperature. */
export function scoresOf(
  logits: ArrayLike<number>,
  isSeen: (token: number) => boolean,
  settings: SamplerSettings,
): Float64Array {
  const { temperature, repetitionPenalty } = settings;
  return Float64Array.from(logits, (logit, token) => {
    const punished = !isSeen(token) ? logit : logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
    return temperature > 0 ? punished / temperature : punished;
  });
}

/** The smallest score that passes the filters. */
export function thresholdOf(scores: Float64Array, { temperature, topK, topP, minP }: SamplerSettings): number {
  if (temperature === 0) return -Infinity;
  const sorted = scores.slice().sort().reverse();
  const largest = sorted[0]!;
  let threshold = topK > 0 && topK < sorted.length ? sorted[topK - 1]! : -Infinity;
  if (topP < 1) {
    const kept = sorted.filter((score) => score >= threshold).map((score) => Math.exp(score - largest));
    const goal = topP * kept.reduce((a, b) => a + b, 0);
    let mass = 0;
    let i = 0;
    while (i < kept.length - 1 && mass + kept[i]! < goal) mass += kept[i++]!;
    threshold = Math.max(threshold, sorted[i]!);
  }
  return minP > 0 ? Math.max(threshold, largest + Math.log(minP)) : threshold;
}

/** -log(-log(1 - u)), u = (bits + 1/2) / 2^32, u at most 1 - 2^-24. */
export function gumbelOf(bits: number): number {
  const u = Math.min((bits + 0.5) * 2 ** -32, 1 - 2 ** -24);
  return -Math.log(-Math.log1p(-u));
}

/** What each token brings to the race; -Infinity where a filter drops it. */
export function raceOf(
  logits: ArrayLike<number>,
  isSeen: (token: number) => boolean,
  settings: SamplerSettings,
): Float64Array {
  const scores = scoresOf(logits, isSeen, settings);
  const threshold = thresholdOf(scores, settings);
  const { temperature, step, seed } = settings;
  return scores.map((score, token) => {
    if (score < threshold) return -Infinity;
    return temperature === 0 ? score : score + gumbelOf(randomBits(token, step, seed));
  });
}

/** The sampled token; the lowest of equal ones. */
export function sampleReference(
  logits: ArrayLike<number>,
  isSeen: (token: number) => boolean,
  settings: SamplerSettings,
): number {
  const race = raceOf(logits, isSeen, settings);
  return race.reduce((best, value, token) => (value > race[best]! ? token : best), 0);
}
