import { UsageError } from '../errors.js';
import type { CallBuffers } from '../program/call-buffers.js';
import type { Executor, Mode } from '../program/executor.js';
import { callLimits, cutPieces, type CallLimits, type Feed } from '../program/pieces.js';
import type { Bank } from '../state/banks.js';
import type { ModelState } from '../state/model-state.js';
import { Snapshot } from '../state/snapshot.js';
import type { Tokens } from './types.js';

/** What is done with the logits of each piece of a call. */
export interface PieceHooks {
  /** Recorded at the end of a piece, when `logits` holds the rows that the piece's entries want, in order. */
  readonly onPiece: (encoder: GPUCommandEncoder, piece: readonly Feed[], logits: GPUBuffer) => void;
  /** Called when the piece was submitted. */
  readonly afterPiece?: () => void;
}

export interface FeedOptions {
  readonly rows: 'none' | 'last' | 'all';
  readonly signal?: AbortSignal | undefined;
  readonly hooks: PieceHooks;
}

/** Feeds tokens to states, in pieces that fit the device. */
export class Feeder {
  readonly executor: Executor;
  /** Tables and logits of calls that stand alone. */
  readonly buffers: CallBuffers;
  readonly #pieceTokens: number;
  readonly #limits = new Map<string, CallLimits>();

  constructor(executor: Executor, pieceTokens: number) {
    this.executor = executor;
    this.buffers = executor.makeBuffers();
    this.#pieceTokens = pieceTokens;
  }

  /** The largest calls on a bank. */
  limits({ slots, capacity }: Bank): CallLimits {
    const { program, device } = this.executor;
    const key = `${slots} ${capacity}`;
    const known = this.#limits.get(key);
    const limits = known ?? callLimits(program, { slots, capacity }, this.#pieceTokens, device.limits);
    this.#limits.set(key, limits);
    return limits;
  }

  /**
   * Feeds `tokens[i]` to sequence i of a state that the caller has to itself. If it fails or is aborted the state is as
   * it was before.
   */
  async prefill(state: ModelState, tokens: readonly Tokens[], options: FeedOptions): Promise<void> {
    const { device, memory } = this.executor;
    const fed = tokens.flatMap(({ length }, sequence) => (length > 0 ? [sequence] : []));
    await state.reserve(Math.max(0, ...fed.map((sequence) => state.lengths[sequence]! + tokens[sequence]!.length)));
    const begun = fed.filter((sequence) => state.lengths[sequence]! > 0);
    const empty = fed.filter((sequence) => state.lengths[sequence] === 0);
    const snapshot = new Snapshot(state, begun);
    try {
      await memory.settle();
      device.record((encoder) => snapshot.save(encoder));
      try {
        for (const bank of state.banks) await this.#prefillBank(state, bank, tokens, options);
      } catch (error) {
        device.record((encoder) => {
          for (const sequence of begun) snapshot.restore(encoder, sequence);
          state.clear(encoder, empty);
        });
        throw error;
      }
    } finally {
      snapshot.dispose();
    }
  }

  async #prefillBank(
    state: ModelState,
    bank: Bank,
    tokens: readonly Tokens[],
    { rows, signal, hooks }: FeedOptions,
  ): Promise<void> {
    let before = Promise.resolve();
    for (const piece of cutPieces(feedsOf(state, bank, tokens, rows), this.limits(bank))) {
      signal?.throwIfAborted();
      await this.#run('prefill', state, bank, piece, hooks);
      // One piece waits while another runs; more would only make aborting slow.
      await before;
      before = this.executor.device.idle();
      before.catch(() => undefined);
    }
    signal?.throwIfAborted();
  }

  /** Feeds one token to each sequence that has one, in calls of the decode kind. */
  async decode(state: ModelState, tokens: readonly (number | null)[], hooks: PieceHooks): Promise<void> {
    const fed = tokens.map((token) => (token === null ? [] : [token]));
    await state.reserve(Math.max(0, ...fed.map(({ length }, sequence) => state.lengths[sequence]! + length)));
    for (const bank of state.banks) {
      const feeds = feedsOf(state, bank, fed, 'last');
      const most = this.limits(bank).sequences;
      for (const piece of cutPieces(feeds, { tokens: most, rows: most })) {
        await this.#run('decode', state, bank, piece, hooks);
      }
    }
  }

  async #run(
    mode: Mode,
    state: ModelState,
    bank: Bank,
    piece: readonly Feed[],
    { onPiece, afterPiece }: PieceHooks,
  ): Promise<void> {
    await this.executor.reserveFor(piece, bank, this.buffers);
    const after = (encoder: GPUCommandEncoder): void => onPiece(encoder, piece, this.buffers.get('logits')!);
    this.executor.run(mode, piece, bank, this.buffers, { after });
    afterPiece?.();
    for (const { index, position, tokens } of piece) {
      state.setLength(index, position + tokens.length);
      for (let i = 0; i < tokens.length; i++) state.seen.add(index, tokens[i]!);
    }
  }

  dispose(): void {
    this.buffers.dispose();
  }
}

function feedsOf(state: ModelState, bank: Bank, tokens: readonly Tokens[], rows: Feed['rows']): Feed[] {
  return Array.from({ length: bank.slots }, (_, slot) => {
    const index = bank.first + slot;
    return { index, slot, position: state.lengths[index]!, tokens: tokens[index]!, rows };
  });
}

/** Rows of logits that an entry of a piece wants. */
export function wantedRows({ rows, tokens }: Feed): number {
  return rows === 'all' ? tokens.length : rows === 'last' ? 1 : 0;
}

/** @throws UsageError `bad-argument` unless all are token ids */
export function checkTokens(tokens: Tokens, vocab: number): void {
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (Number.isInteger(token) && token >= 0 && token < vocab) continue;
    throw new UsageError('bad-argument', `Token ids are integers from 0 to ${vocab - 1}; at ${i} there is ${token}.`);
  }
}
