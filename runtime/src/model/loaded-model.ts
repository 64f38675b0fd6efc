import type { Device } from '../device/device.js';
import { disposable } from '../dispose.js';
import { UsageError } from '../errors.js';
import { ModelGeneration } from '../generate/generation.js';
import { promptList } from '../generate/prompts.js';
import type { GenerateOptions, Generation, Prompt } from '../generate/types.js';
import type { DeviceMemory } from '../memory/device-memory.js';
import { Readback, type Staged } from '../memory/readback.js';
import { cutPieces } from '../program/pieces.js';
import type { Executor } from '../program/executor.js';
import type { Kernels } from '../program/kernels.js';
import type { ModelInfo, Program } from '../program/program.js';
import type { StateContext } from '../state/context.js';
import { deserializeState } from '../state/deserialize.js';
import { ModelState } from '../state/model-state.js';
import type { State, StateOptions } from '../state/types.js';
import type { TextCodec } from '../text/types.js';
import { checkTokens, Feeder } from './feeder.js';
import { LogitsCollector } from './logits-collector.js';
import type { CallOptions, Counters, MemoryUse, Model, Tokens, TraceEntry } from './types.js';

export interface LoadedModelParts {
  readonly executor: Executor;
  readonly kernels: Kernels;
  readonly tokenizer: TextCodec | undefined;
  readonly pieceTokens: number;
  /** Disposed of with the model. */
  readonly owned: readonly { dispose(): void }[];
}

export class LoadedModel implements Model {
  readonly program: Program;
  readonly device: Device;
  readonly tokenizer: TextCodec | undefined;
  readonly #memory: DeviceMemory;
  readonly #executor: Executor;
  readonly #kernels: Kernels;
  readonly #feeder: Feeder;
  readonly #readback: Readback;
  readonly #states: StateContext;
  readonly #owned: readonly { dispose(): void }[];
  #disposed = false;

  /** Use `createModel`. */
  constructor({ executor, kernels, tokenizer, pieceTokens, owned }: LoadedModelParts) {
    const { program, device, memory } = executor;
    this.program = program;
    this.device = device;
    this.tokenizer = tokenizer;
    this.#memory = memory;
    this.#executor = executor;
    this.#kernels = kernels;
    this.#feeder = new Feeder(executor, pieceTokens);
    this.#readback = new Readback(device, memory);
    this.#states = { program, device, memory, readback: this.#readback, states: new Set() };
    this.#owned = owned;
  }

  get info(): ModelInfo {
    return this.program.model;
  }

  get counters(): Counters {
    return {
      ...this.#executor.count,
      pipelines: this.#kernels.count,
      buffers: this.#memory.made,
      readbacks: this.#readback.count,
    };
  }

  get memory(): MemoryUse {
    const { weights, states, activations, other } = this.#memory.use;
    return { weights, states, activations, other, total: weights + states + activations + other };
  }

  state(options: StateOptions = {}): Promise<State> {
    this.#check();
    return ModelState.create(this.#states, options);
  }

  prefill(state: State, tokens: readonly Tokens[], { signal }: CallOptions = {}): Promise<Float32Array[]> {
    const own = this.#own(state, tokens.length);
    for (const list of tokens) checkTokens(list, this.info.vocab);
    return own.exclusively('prefill', async () => {
      const hooks = new LogitsCollector(this.#readback, this.info.vocab);
      await this.#feeder.prefill(own, tokens, { rows: 'last', signal, hooks });
      return hooks.finish(tokens.length);
    });
  }

  decode(state: State, tokens: readonly (number | null)[], { signal }: CallOptions = {}): Promise<Float32Array[]> {
    const own = this.#own(state, tokens.length);
    checkTokens(
      tokens.filter((token) => token !== null),
      this.info.vocab,
    );
    return own.exclusively('decode', async () => {
      signal?.throwIfAborted();
      const hooks = new LogitsCollector(this.#readback, this.info.vocab);
      await this.#feeder.decode(own, tokens, hooks);
      return hooks.finish(tokens.length);
    });
  }

  async logits(tokens: readonly Tokens[], { signal }: CallOptions = {}): Promise<Float32Array[]> {
    this.#check();
    for (const list of tokens) checkTokens(list, this.info.vocab);
    if (tokens.length === 0) return [];
    const state = await this.#scratchState(tokens);
    try {
      const hooks = new LogitsCollector(this.#readback, this.info.vocab);
      await this.#feeder.prefill(state, tokens, { rows: 'all', signal, hooks });
      return await hooks.finish(tokens.length);
    } finally {
      state.dispose();
    }
  }

  generate(prompts: Prompt | readonly Prompt[], options: GenerateOptions = {}): Generation {
    this.#check();
    const context = {
      feeder: this.#feeder,
      readback: this.#readback,
      states: this.#states,
      tokenizer: this.tokenizer,
    };
    return new ModelGeneration(context, promptList(prompts), options);
  }

  deserialize(bytes: Uint8Array): Promise<State> {
    this.#check();
    return deserializeState(this.#states, bytes);
  }

  async trace(tokens: Tokens, { signal }: CallOptions = {}): Promise<TraceEntry[]> {
    this.#check();
    checkTokens(tokens, this.info.vocab);
    if (tokens.length === 0) return [];
    const state = await this.#scratchState([tokens]);
    try {
      return await this.#trace(state, tokens, signal);
    } finally {
      state.dispose();
    }
  }

  async #trace(state: ModelState, tokens: Tokens, signal: AbortSignal | undefined): Promise<TraceEntry[]> {
    const { buffers } = this.#feeder;
    const [bank] = state.banks;
    const { vocab, width } = this.info;
    const { schedule } = this.program;
    const parts = schedule.map((): Float32Array[] => []);
    const feed = { index: 0, slot: 0, position: 0, tokens, rows: 'all' as const };
    for (const piece of cutPieces([feed], this.#feeder.limits(bank!))) {
      signal?.throwIfAborted();
      await this.#executor.reserveFor(piece, bank!, buffers);
      const staged: Staged[] = [];
      const end = (encoder: GPUCommandEncoder): void => {
        const bytes = piece[0]!.tokens.length * vocab * 4;
        staged.push(this.#readback.stage(encoder, [{ buffer: buffers.get('logits')!, offset: 0, bytes }]));
      };
      this.#executor.trace(
        piece,
        bank!,
        buffers,
        (encoder, region) => staged.push(this.#readback.stage(encoder, [region])),
        end,
      );
      for (const [i, copy] of staged.entries()) parts[i]!.push(new Float32Array((await copy.take()).buffer));
    }
    return schedule.map(({ label }, i) => {
      const columns = i === schedule.length - 1 ? vocab : width;
      const values = new Float32Array(tokens.length * columns);
      let at = 0;
      for (const part of parts[i]!) {
        values.set(part, at);
        at += part.length;
      }
      return { label, shape: [tokens.length, columns] as const, values };
    });
  }

  #scratchState(tokens: readonly Tokens[]): Promise<ModelState> {
    const capacity = Math.max(1, ...tokens.map(({ length }) => length));
    return ModelState.create(this.#states, { sequences: tokens.length, capacity });
  }

  #own(state: State, lists: number): ModelState {
    this.#check();
    if (!(state instanceof ModelState) || state.context !== this.#states) {
      throw new UsageError('bad-state', 'The state belongs to another model.');
    }
    if (state.sequences !== lists) {
      throw new UsageError(
        'bad-argument',
        `The state has ${state.sequences} sequences, but ${lists} were given tokens.`,
      );
    }
    return state;
  }

  #check(): void {
    if (this.#disposed) throw new UsageError('disposed', 'The model was disposed.');
    this.device.check();
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const state of [...this.#states.states]) state.dispose();
    this.#memory.freeAll();
    for (const owned of this.#owned) owned.dispose();
  }

  declare [Symbol.dispose]: () => void;
}
disposable(LoadedModel);
