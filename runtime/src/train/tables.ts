/** What kernels read about a part of a step: batch tables, labels, and the order in which embeddings' gradients are summed. */
import { UsageError } from '../errors.js';
import type { BatchEntry } from '../program/batch.js';
import type { TrainingPart } from './engine.js';

/** A label that does not count. */
export const IGNORED = -100;
const NO_LABEL = 0xffffffff;

export function entriesOf(part: TrainingPart): readonly BatchEntry[] {
  return part.map(({ tokens }, slot) => ({ slot, position: 0, tokens, rows: 'all' }));
}

/** The same with the first flat token in place of the slot; see `TrainingTable`. */
export function packedEntries(part: TrainingPart): readonly BatchEntry[] {
  let first = 0;
  return part.map(({ tokens }) => {
    const entry: BatchEntry = { slot: first, position: 0, tokens, rows: 'all' };
    first += tokens.length;
    return entry;
  });
}

/**
 * For each row the label that it is to predict: that of the next token of its sequence, so that the last row of a sequence has
 * none.
 *
 * @throws UsageError for a label outside the vocabulary, or another number of labels than tokens
 */
export function labelsOf(part: TrainingPart, vocab: number): Uint32Array<ArrayBuffer> {
  const rows = new Uint32Array(part.reduce((n, { tokens }) => n + tokens.length, 0)).fill(NO_LABEL);
  let first = 0;
  for (const { tokens, labels = tokens } of part) {
    if (labels.length !== tokens.length) {
      throw new UsageError('bad-argument', `A sequence of ${tokens.length} tokens has ${labels.length} labels.`);
    }
    for (let t = 0; t + 1 < tokens.length; t++) {
      const label = labels[t + 1]!;
      if (label === IGNORED) continue;
      if (!Number.isInteger(label) || label < 0 || label >= vocab) {
        throw new UsageError('bad-argument', `A label is ${label}; the vocabulary has ${vocab} tokens.`);
      }
      rows[first + t] = label;
    }
    first += tokens.length;
  }
  return rows;
}

export function countLabels(labels: Uint32Array): number {
  return labels.reduce((n, label) => n + (label === NO_LABEL ? 0 : 1), 0);
}

/** Tokens sorted by id, in each id in their own order; and for each id where its tokens are. */
export function embedTables(part: TrainingPart): {
  readonly rows: Uint32Array<ArrayBuffer>;
  readonly order: Uint32Array<ArrayBuffer>;
} {
  const ids = part.flatMap(({ tokens }) => Array.from(tokens));
  const order = Uint32Array.from(ids.keys()).sort((a, b) => ids[a]! - ids[b]! || a - b);
  const rows = new Uint32Array(4 * ids.length);
  let at = -1;
  order.forEach((token, i) => {
    const id = ids[token]!;
    if (at < 0 || rows[4 * at] !== id) {
      at++;
      rows[4 * at] = id;
      rows[4 * at + 1] = i;
    }
    rows[4 * at + 2]!++;
  });
  return { rows, order };
}
