import type { SizeValues } from '@hyb/runtime';
import { contextBound, WINDOW } from '@hyb/runtime/program/batch';

export interface CallShape {
  readonly mode: 'prefill' | 'decode';
  /** Sequences in the call. */
  readonly sequences: number;
  /** Tokens of each sequence in the call; 1 in decoding. */
  readonly tokensPerSequence: number;
  /** Positions of each sequence after the call. */
  readonly context: number;
}

/** Sizes of a call whose sequences all have the same length; a prompt wants the logits of its last token. */
export function callSizes({ sequences, tokensPerSequence, context }: CallShape): SizeValues {
  const tiles = (size: number): number => sequences * Math.ceil(tokensPerSequence / size);
  return {
    tokens: sequences * tokensPerSequence,
    sequences,
    rows: sequences,
    tiles16: tiles(16),
    tiles32: tiles(32),
    tiles64: tiles(64),
    tiles128: tiles(128),
    context: contextBound(context),
    capacity: context,
    slots: sequences,
    window: WINDOW,
  };
}
