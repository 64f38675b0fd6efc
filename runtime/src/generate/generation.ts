import { UsageError } from '../errors.js';
import type { Readback } from '../memory/readback.js';
import { checkTokens, type Feeder } from '../model/feeder.js';
import type { Tokens } from '../model/types.js';
import { WINDOW } from '../program/batch.js';
import { resolveSampling } from '../sampling/settings.js';
import { ModelState } from '../state/model-state.js';
import type { StateContext } from '../state/context.js';
import type { TextCodec } from '../text/types.js';
import { Decoding } from './decoding.js';
import { Lane, type LaneOptions } from './lane.js';
import { encodePrompts } from './prompts.js';
import type { GeneratedText, GeneratedToken, GenerateOptions, Generation, Prompt } from './types.js';

/** What generation needs of a model. */
export interface GenerationContext {
  readonly feeder: Feeder;
  readonly readback: Readback;
  readonly states: StateContext;
  readonly tokenizer: TextCodec | undefined;
}

/** Time that a window should take: long enough to make readbacks rare, short enough for a reader. */
const WINDOW_MS = 100;
/** Windows under way: one runs while the host looks at the one before. */
const DEPTH = 2;

export class ModelGeneration implements Generation {
  readonly #context: GenerationContext;
  readonly #prompts: readonly Prompt[];
  readonly #options: GenerateOptions;
  #begun = false;

  constructor(context: GenerationContext, prompts: readonly Prompt[], options: GenerateOptions) {
    this.#context = context;
    this.#prompts = prompts;
    this.#options = options;
  }

  [Symbol.asyncIterator](): AsyncGenerator<GeneratedToken, void, undefined> {
    if (this.#begun) throw new UsageError('bad-argument', 'A generation can be run once only.');
    this.#begun = true;
    return this.#run();
  }

  async all(): Promise<GeneratedText[]> {
    const texts = this.#prompts.map(() => ({ tokens: [] as number[], text: '', finish: 'length' as const }));
    const finished: GeneratedText[] = [...texts];
    for await (const { prompt, token, text, finish } of this) {
      const entry = texts[prompt]!;
      entry.tokens.push(token);
      entry.text += text;
      if (finish) finished[prompt] = { ...entry, finish };
    }
    return finished;
  }

  async text(): Promise<string> {
    return (await this.all())[0]?.text ?? '';
  }

  async *#run(): AsyncGenerator<GeneratedToken, void, undefined> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    const { feeder, readback, states, tokenizer } = this.#context;
    const prompts = encodePrompts(this.#prompts, tokenizer);
    for (const prompt of prompts) checkTokens(prompt, states.program.model.vocab);
    const options = this.#prompts.map((_, i) => this.#laneOptions(i));
    const state = await this.#state(prompts);
    state.acquire('generate');
    const decoding = new Decoding(feeder, readback, state, this.#options.state !== undefined);
    const lanes = prompts.map((prompt, i) => {
      const stream = tokenizer?.stream(prompt);
      return new Lane(i, state.lengths[i]! + prompt.length, options[i]!, stream);
    });
    let fed = false;
    try {
      await decoding.begin(lanes, prompts, signal);
      fed = true;
      yield* this.#decode(
        decoding,
        lanes.filter(({ options }) => options.maxTokens > 0),
        signal,
      );
    } finally {
      try {
        if (fed) decoding.rewind(lanes);
      } finally {
        decoding.dispose();
        state.release();
        if (!this.#options.state) state.dispose();
      }
    }
  }

  async *#decode(
    decoding: Decoding,
    all: readonly Lane[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<GeneratedToken, void, undefined> {
    let lanes = all;
    let window = this.#options.window ?? 1;
    let since = performance.now();
    while (lanes.length > 0) {
      const most = Math.max(...lanes.map(({ options }) => options.maxTokens));
      while (decoding.pending < DEPTH && decoding.steps < most) {
        const steps = Math.min(window, most - decoding.steps);
        await decoding.submit(steps, decoding.steps + steps === most);
      }
      const tokens = await decoding.take();
      for (const step of tokens) {
        for (const { lane, token } of step) {
          if (lane.finished) continue;
          signal?.throwIfAborted();
          yield lane.accept(token);
        }
      }
      const now = performance.now();
      if (!this.#options.window) window = nextWindow(window, (now - since) / tokens.length);
      since = now;
      const ended = lanes.filter(({ finished }) => finished);
      if (ended.length === 0) continue;
      decoding.rewind(ended);
      lanes = lanes.filter(({ finished }) => !finished);
      if (lanes.length > 0) await decoding.regroup(lanes);
    }
  }

  #laneOptions(index: number): LaneOptions {
    const { stop = [], each, seed, window } = this.#options;
    const own = each?.[index];
    const shared = seed === undefined ? {} : { seed: (seed + index) % 2 ** 32 };
    const sampling = resolveSampling({ ...this.#options, ...shared, ...own });
    const maxTokens = own?.maxTokens ?? this.#options.maxTokens ?? 256;
    checkInteger('maxTokens', maxTokens, 0, Number.MAX_SAFE_INTEGER);
    if (window !== undefined) checkInteger('window', window, 1, WINDOW);
    const stops = typeof stop === 'string' ? [stop] : stop;
    const { tokenizer } = this.#context;
    if (stops.length > 0 && !tokenizer) {
      throw new UsageError(
        'no-tokenizer',
        'Stop strings need a tokenizer: load the model with one, or use `stopTokens`.',
      );
    }
    const stopTokens = new Set(this.#options.stopTokens ?? tokenizer?.stopTokens ?? []);
    return { maxTokens, sampling, stop: stops, stopTokens };
  }

  async #state(prompts: readonly Tokens[]): Promise<ModelState> {
    const { state } = this.#options;
    const { states } = this.#context;
    if (!state) {
      const capacity = Math.max(...prompts.map(({ length }) => length)) + 1;
      return ModelState.create(states, { sequences: prompts.length, capacity });
    }
    if (!(state instanceof ModelState) || state.context !== states) {
      throw new UsageError('bad-state', 'The state belongs to another model.');
    }
    if (state.sequences !== prompts.length) {
      const counts = `${state.sequences} sequences, but there are ${prompts.length} prompts`;
      throw new UsageError('bad-argument', `The state has ${counts}.`);
    }
    return state;
  }
}

/** Steps of the next window, given milliseconds per step. */
function nextWindow(window: number, perStep: number): number {
  const wanted = Math.round(WINDOW_MS / Math.max(perStep, 0.01));
  return Math.max(1, Math.min(wanted, 2 * window, WINDOW));
}

function checkInteger(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new UsageError('bad-argument', `${name} has to be an integer from ${least} to ${most}, not ${value}.`);
}
