/// <reference lib="esnext.disposable" preserve="true" />
import type { Device } from '../device/device.js';
import type { Generation, GenerateOptions, Prompt } from '../generate/types.js';
import type { ModelInfo, Program, StorageType } from '../program/program.js';
import type { State, StateOptions } from '../state/types.js';
import type { TextCodec } from '../text/types.js';
import type { LoadProgress, WeightSource } from '../weights/types.js';

/** Token ids. */
export type Tokens = ArrayLike<number>;

/** What `load` of a compiled package takes beside a device. */
export interface LoadOptions {
  /** The checkpoint: a folder, file or URL, a Blob, bytes, or several of them (see `WeightSource`). */
  readonly weights: WeightSource;
  /** How matrices are stored on the device; default: as the model's `precision` says. */
  readonly storage?: StorageType;
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly signal?: AbortSignal;
  /** What to do about NaN and infinity in the weights; default `error`. */
  readonly nonFinite?: 'error' | 'warn' | 'ignore';
  /** What to do about tensors that the model has no place for; default `error`. */
  readonly unexpected?: 'error' | 'warn' | 'ignore';
  /** Receives what `warn` is about; default: `console.warn`. */
  readonly onWarning?: (message: string) => void;
  /** For text in and out; `loadTokenizer` makes one from `tokenizer.json`. */
  readonly tokenizer?: TextCodec;
  /** Most tokens of a prompt that are computed at once; default 1024, less where the device's limits are narrow. */
  readonly pieceTokens?: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** What a stage left in the residual stream (the head: the logits), for comparing layer by layer. */
export interface TraceEntry {
  /** `embedding`, `layers.3`, `head`, … as the program labels its stage instances. */
  readonly label: string;
  /** Row-major. */
  readonly shape: readonly [tokens: number, width: number];
  readonly values: Float32Array;
}

/** Counted at the WebGPU calls, since the model was made. */
export interface Counters {
  readonly dispatches: number;
  readonly submits: number;
  readonly bindGroups: number;
  readonly pipelines: number;
  readonly buffers: number;
  readonly readbacks: number;
}

/** Bytes of live device buffers, by what they hold. */
export interface MemoryUse {
  readonly weights: number;
  readonly states: number;
  readonly activations: number;
  readonly other: number;
  readonly total: number;
}

/** A model with its weights on a device. Methods on different states may overlap; on one state they must not. */
export interface Model extends Disposable {
  readonly info: ModelInfo;
  readonly program: Program;
  readonly device: Device;
  readonly tokenizer: TextCodec | undefined;
  readonly counters: Counters;
  readonly memory: MemoryUse;

  /** An empty state: what the model remembers of each of `sequences` texts. Dispose of it when done. */
  state(options?: StateOptions): Promise<State>;
  /**
   * Feeds tokens to each sequence of the state. Lists may have any lengths, zero included.
   *
   * @returns for each sequence the logits [vocab] after its last token; an empty array where it was fed nothing
   */
  prefill(state: State, tokens: readonly Tokens[], options?: CallOptions): Promise<Float32Array[]>;
  /**
   * Feeds one token to each sequence of the state; `null` leaves a sequence as it is.
   *
   * @returns as `prefill`
   */
  decode(state: State, tokens: readonly (number | null)[], options?: CallOptions): Promise<Float32Array[]>;
  /** Logits after every token of each text, from an empty state: [length, vocab], row-major. */
  logits(tokens: readonly Tokens[], options?: CallOptions): Promise<Float32Array[]>;
  /** Continues a prompt token by token. Text needs a tokenizer. */
  generate(prompt: Prompt, options?: GenerateOptions): Generation;
  /** Continues several prompts at once; tokens of all come in one stream, marked with the prompt's index. */
  generate(prompts: readonly Prompt[], options?: GenerateOptions): Generation;
  /** A state from what `State.serialize` made, by this model or another loading of it. */
  deserialize(bytes: Uint8Array): Promise<State>;
  /** Runs one text from an empty state and returns what every stage left in the residual stream, then the logits. */
  trace(tokens: Tokens, options?: CallOptions): Promise<TraceEntry[]>;
  /** Frees all device memory, states included. The device stays. */
  dispose(): void;
}
