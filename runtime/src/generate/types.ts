import type { State } from '../state/types.js';
import type { ChatMessage } from '../text/types.js';

/** Text, tokens, or a conversation that the tokenizer's chat template puts into words. */
export type Prompt =
  string | ArrayLike<number> | { readonly messages: readonly ChatMessage[]; readonly tools?: readonly unknown[] };

export interface SamplingOptions {
  /** 0, the default, takes the likeliest token; 1 samples from the model's own distribution. */
  readonly temperature?: number;
  /** Sample among the `topK` likeliest only; 0, the default, is all. */
  readonly topK?: number;
  /** Sample among the likeliest that together have this probability; default 1, all. */
  readonly topP?: number;
  /** Leave out tokens less likely than this share of the likeliest; default 0. */
  readonly minP?: number;
  /** Divides positive and multiplies negative logits of tokens that the text holds already; default 1. */
  readonly repetitionPenalty?: number;
  /** Equal seeds give equal texts on the same device, in any batch; default: random. With several prompts, prompt i has seed + i. */
  readonly seed?: number;
}

export interface GenerateOptions extends SamplingOptions {
  /** Most tokens to generate for each prompt; default 256. */
  readonly maxTokens?: number;
  /** Ends a text where one of these appears; the text handed out ends before it. Needs a tokenizer. */
  readonly stop?: string | readonly string[];
  /** Ends a text after one of these tokens; default: the tokenizer's end-of-text tokens. `[]`: never. */
  readonly stopTokens?: readonly number[];
  /**
   * Aborting throws the signal's reason from the iterator. Tokens that were handed out by then are in the state, and
   * nothing else is.
   */
  readonly signal?: AbortSignal;
  /**
   * Goes on from this state, one sequence for each prompt, and leaves there the prompts and every token handed out.
   * Without it a state is made and disposed of.
   */
  readonly state?: State;
  /** Options of single prompts, by index, over the ones above. */
  readonly each?: readonly (SamplingOptions & { readonly maxTokens?: number })[];
  /** Tokens computed between two readbacks, at most 32; default: as many as take a tenth of a second. */
  readonly window?: number;
}

export type FinishReason = 'length' | 'stop-token' | 'stop-string';

export interface GeneratedToken {
  /** Index of the prompt that it continues. */
  readonly prompt: number;
  readonly token: number;
  /**
   * Text that became certain with this token: whole characters, and nothing that might turn out to be a stop string.
   * Empty without a tokenizer.
   */
  readonly text: string;
  /** Present with the last token of the prompt's text. */
  readonly finish?: FinishReason;
}

export interface GeneratedText {
  readonly tokens: readonly number[];
  readonly text: string;
  readonly finish: FinishReason;
}

/**
 * Tokens as they come. Work starts with the first one asked for. Leaving the loop early ends generation at the token
 * handed out last.
 */
export interface Generation extends AsyncIterable<GeneratedToken> {
  /** Runs to the end and collects, one entry for each prompt. */
  all(): Promise<GeneratedText[]>;
  /** Runs to the end and returns the text of the first prompt. */
  text(): Promise<string>;
}
