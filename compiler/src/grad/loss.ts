/** Next-token cross-entropy over a ragged batch, and its gradient, in f64. */
import type { Reference } from '../ops/op.js';

/** Looked up once for the inner loops. */
const { exp, log } = Math;

/** A label that does not count. */
export const IGNORED = -100;

/** What is minimised beside the cross-entropy. */
export interface LossTerms {
  /** Weight of the squared logarithm of the partition function. */
  readonly z: number;
  /** Share of each label that is spread over all of the vocabulary. */
  readonly smoothing: number;
}

const PLAIN: LossTerms = { z: 0, smoothing: 0 };

export interface LossResult {
  /** Mean cross-entropy over the labels that count, without z-loss and smoothing; 0 if none does. */
  readonly loss: number;
  /** The mean of what is minimised, of which `gradients` are. */
  readonly objective: number;
  /** Number of labels that count. */
  readonly count: number;
  /** Of the logits of each sequence, in order. */
  readonly gradients: readonly Reference[];
}

/**
 * Mean of -log softmax(logits[t])[labels[t + 1]] over all sequences: labels are those of the tokens themselves and are
 * shifted here, so the last row of a sequence predicts nothing. Labels equal to `IGNORED` do not count.
 *
 * @param logits [tokens, vocab] of each sequence
 * @throws RangeError for a label outside the vocabulary
 */
export function crossEntropy(
  logits: readonly Reference[],
  labels: readonly (readonly number[])[],
  { z, smoothing }: LossTerms = PLAIN,
): LossResult {
  const count = labels.reduce((n, own) => n + own.slice(1).filter((label) => label !== IGNORED).length, 0);
  let [total, objective] = [0, 0];
  const gradients = logits.map(({ shape, data }, s) => {
    const [tokens, vocab] = shape as [number, number];
    const gradient = new Float64Array(data.length);
    for (let t = 0; t + 1 < tokens; t++) {
      const label = labels[s]![t + 1]!;
      if (label === IGNORED) continue;
      if (!(Number.isInteger(label) && label >= 0 && label < vocab))
        throw new RangeError(`label ${label} is not below ${vocab}`);
      const row = data.subarray(t * vocab, (t + 1) * vocab);
      const largest = row.reduce((a, b) => (b > a ? b : a), -Infinity);
      const sum = row.reduce((a, b) => a + exp(b - largest), 0);
      const partition = largest + log(sum);
      const own = partition - row[label]!;
      const spread = row.reduce((a, b) => a + partition - b, 0) / vocab;
      total += own;
      objective += (1 - smoothing) * own + smoothing * spread + z * partition ** 2;
      const share = (1 + 2 * z * partition) / count;
      const other = smoothing / vocab / count;
      for (let v = 0; v < vocab; v++) gradient[t * vocab + v] = exp(row[v]! - partition) * share - other;
      gradient[t * vocab + label]! -= (1 - smoothing) / count;
    }
    return { shape, data: gradient };
  });
  const mean = (sum: number): number => (count === 0 ? 0 : sum / count);
  return { loss: mean(total), objective: mean(objective), count, gradients };
}
