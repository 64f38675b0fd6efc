import type { Sampling } from '../sampling/settings.js';
import { StopMatcher } from '../text/stop-matcher.js';
import type { TextStream } from '../text/types.js';
import type { FinishReason, GeneratedToken } from './types.js';

export interface LaneOptions {
  readonly maxTokens: number;
  readonly sampling: Sampling;
  readonly stop: readonly string[];
  readonly stopTokens: ReadonlySet<number>;
}

/** One of the texts that are being generated: what was handed out of it, and when it ends. */
export class Lane {
  /** Index of the prompt, and of the sequence in the state. */
  readonly index: number;
  readonly options: LaneOptions;
  /** Tokens that the sequence held when generation began, the prompt's included. */
  readonly base: number;
  /** Tokens handed out. */
  readonly tokens: number[] = [];
  readonly #stream: TextStream | undefined;
  readonly #matcher: StopMatcher;
  #finish: FinishReason | undefined;

  constructor(index: number, base: number, options: LaneOptions, stream: TextStream | undefined) {
    this.index = index;
    this.base = base;
    this.options = options;
    this.#stream = stream;
    this.#matcher = new StopMatcher(options.stop);
  }

  get finished(): boolean {
    return this.#finish !== undefined;
  }

  /** Takes the next token of the text. */
  accept(token: number): GeneratedToken {
    this.tokens.push(token);
    let { text, stopped } = this.#matcher.push(this.#stream?.push(token) ?? '');
    if (stopped) this.#finish = 'stop-string';
    else if (this.options.stopTokens.has(token)) this.#finish = 'stop-token';
    else if (this.tokens.length >= this.options.maxTokens) this.#finish = 'length';
    if (this.#finish && !stopped) {
      const rest = this.#matcher.push(this.#stream?.end() ?? '');
      stopped = rest.stopped;
      text += rest.text;
      if (stopped) this.#finish = 'stop-string';
      else text += this.#matcher.end();
    }
    return { prompt: this.index, token, text, ...(this.#finish ? { finish: this.#finish } : {}) };
  }
}
