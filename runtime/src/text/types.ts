export interface ChatMessage {
  readonly role: string;
  readonly content: unknown;
  readonly [key: string]: unknown;
}

export interface ChatOptions {
  /** End with the opening of the assistant's turn; default true. */
  readonly addGenerationPrompt?: boolean;
  readonly tools?: readonly unknown[];
  /** Further variables that the template knows. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** Text to tokens and back. */
export interface TextCodec {
  /** Ids that exist, special ones included. */
  readonly size: number;
  /** Tokens after which a text is over. */
  readonly stopTokens: readonly number[];
  /** `special` (default true) adds what the tokenizer puts around a text, such as a begin-of-text token. */
  encode(text: string, options?: { readonly special?: boolean }): number[];
  /** `special` (default false) keeps special tokens in the text. */
  decode(tokens: ArrayLike<number>, options?: { readonly special?: boolean }): string;
  /** Decodes a stream of tokens. Those of `before` are not in its text, but may decide whether it begins with a space. */
  stream(before?: ArrayLike<number>): TextStream;
  /** The prompt of a conversation, by the tokenizer's chat template. */
  chat(messages: readonly ChatMessage[], options?: ChatOptions): string;
}

export interface TextStream {
  /** Text that became certain with this token; whole characters only. */
  push(token: number): string;
  /** What was held back. */
  end(): string;
}
