/// <reference lib="esnext.disposable" preserve="true" />

export interface StateOptions {
  /** Texts that the state holds; default 1. */
  readonly sequences?: number;
  /** Positions to make room for per sequence, of layers that remember every token; default 256. It grows as needed. */
  readonly capacity?: number;
}

/** What a model remembers of a batch of texts: caches and recurrences, on the device. */
export interface State extends Disposable {
  readonly sequences: number;
  /** Positions there is room for now, per sequence. */
  readonly capacity: number;
  /** Tokens that each sequence holds. */
  readonly lengths: readonly number[];
  /** Bytes on the device. */
  readonly bytes: number;
  /** A copy, to go on from here in two ways. With `sequences`: sequence i of the copy is `sequences[i]` of this state. */
  fork(options?: { readonly sequences?: readonly number[] }): Promise<State>;
  /** Bytes that `Model.deserialize` makes the same state of: version, model, checks, then data. */
  serialize(): Promise<Uint8Array>;
  /** Makes sequences (default: all) empty. */
  reset(sequences?: readonly number[]): void;
  /** Frees the device memory. */
  dispose(): void;
}
