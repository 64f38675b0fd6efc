/** Bytes and operations of decode steps and prompts, from the work that a model is. */
import { total } from './instances.js';
import type { AttentionWork, ModelWork } from './work.js';

/** Bytes of an element of what is kept. */
export interface Formats {
  readonly weights: number;
  /** Keys and values. */
  readonly tokenState: number;
  /** Recurrent states and convolution inputs. */
  readonly sequenceState: number;
  /** The residual stream between layers. */
  readonly stream: number;
}

/** As Hyb runs a model whose weights are bf16: all states are f32. */
export const HYB_FORMATS: Formats = { weights: 2, tokenState: 4, sequenceState: 4, stream: 4 };

/** Least bytes to and from memory. */
export interface CostBytes {
  /** Each once, however many sequences share the call; embeddings by the row. */
  readonly weights: number;
  /** Keys and values: grow with the context. */
  readonly attention: number;
  /** Recurrent states: do not. */
  readonly recurrence: number;
  readonly stream: number;
  readonly total: number;
}

export interface CostOperations {
  /** Products with weights, the head's included. */
  readonly linear: number;
  /** Grow with the context. */
  readonly attention: number;
  /** Do not. */
  readonly recurrence: number;
  readonly other: number;
  readonly total: number;
}

export interface Cost {
  readonly bytes: CostBytes;
  readonly operations: CostOperations;
}

/** One decode step: a token for each of `batch` sequences, each at position `context - 1`. */
export function decodeCost(
  work: ModelWork,
  { context, batch }: { readonly context: number; readonly batch: number },
  formats: Formats,
): Cost {
  const seen = ({ window = Infinity }: AttentionWork): number => Math.min(context, window);
  const linear = work.operations.linear + work.head.linear;
  const other = work.operations.convolution + work.operations.pointwise + work.head.convolution + work.head.pointwise;
  return cost(
    {
      weights:
        formats.weights * (work.layerMatrices + work.headMatrix + batch * (work.tables > 0 ? work.width : 0)) +
        4 * work.vectors,
      attention: batch * formats.tokenState * total(work.attention, (a) => a.elements * seen(a)),
      recurrence: 2 * batch * formats.sequenceState * work.sequenceState,
      stream: batch * formats.stream * (2 * work.layers * work.width + work.vocab),
    },
    {
      linear: batch * linear,
      attention: batch * total(work.attention, (a) => a.operationsPerKey * seen(a)),
      recurrence: batch * work.operations.recurrence,
      other: batch * other,
    },
  );
}

/** A prompt of `tokens` tokens from an empty state, of which the last token's logits are wanted. */
export function promptCost(work: ModelWork, { tokens }: { readonly tokens: number }, formats: Formats): Cost {
  const { operations, head } = work;
  return cost(
    {
      weights:
        formats.weights * (work.layerMatrices + work.headMatrix + tokens * (work.tables > 0 ? work.width : 0)) +
        4 * work.vectors,
      // Written once and read once.
      attention: 2 * formats.tokenState * tokens * total(work.attention, (a) => a.elements),
      recurrence: formats.sequenceState * work.sequenceState,
      stream: formats.stream * (tokens * 2 * work.layers * work.width + work.vocab),
    },
    {
      linear: tokens * operations.linear + head.linear,
      attention: total(work.attention, (a) => a.operationsPerKey * pairs(tokens, a.window)),
      recurrence: tokens * operations.recurrence,
      other: tokens * (operations.convolution + operations.pointwise) + head.convolution + head.pointwise,
    },
  );
}

/** Pairs of a token and a position it sees: itself and those before it, at most `window`. */
function pairs(tokens: number, window = Infinity): number {
  const growing = Math.min(tokens, window);
  return (growing * (growing + 1)) / 2 + (tokens - growing) * growing;
}

function cost(bytes: Omit<CostBytes, 'total'>, operations: Omit<CostOperations, 'total'>): Cost {
  const sum = (parts: Readonly<Record<string, number>>): number => total(Object.values(parts), (n) => n);
  return {
    bytes: { ...bytes, total: sum({ ...bytes }) },
    operations: { ...operations, total: sum({ ...operations }) },
  };
}
