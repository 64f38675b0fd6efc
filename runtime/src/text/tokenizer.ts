import { Tokenizer as Backend } from '@huggingface/tokenizers';
import { TextError } from '../errors.js';
import { messageOf } from '../messages.js';
import { ChatTemplate } from './chat-template.js';
import { streamText } from './stream.js';
import type { ChatMessage, ChatOptions, TextCodec, TextStream } from './types.js';

/** The files of a checkpoint that concern text, parsed. */
export interface TokenizerFiles {
  /** `tokenizer.json` */
  readonly tokenizer: unknown;
  /** `tokenizer_config.json` */
  readonly config?: unknown;
  /** `generation_config.json`: says which tokens end a text. */
  readonly generation?: unknown;
  /** `chat_template.jinja`, which goes before a template in `tokenizer_config.json` */
  readonly template?: string;
}

/** Text to tokens and back, as `tokenizer.json` says. */
export class Tokenizer implements TextCodec {
  readonly size: number;
  readonly stopTokens: readonly number[];
  readonly #backend: Backend;
  readonly #template: ChatTemplate | undefined;

  /** @throws TextError `bad-tokenizer`, `bad-template` */
  constructor(files: TokenizerFiles) {
    const config = asObject(files.config ?? {}, 'tokenizer_config.json');
    const json = asObject(files.tokenizer, 'tokenizer.json');
    try {
      this.#backend = new Backend(json, config);
      this.size = 1 + [...this.#backend.get_vocab(true).values()].reduce((a, b) => Math.max(a, b), -1);
    } catch (cause) {
      throw new TextError('bad-tokenizer', `tokenizer.json cannot be used: ${messageOf(cause)}`, { cause });
    }
    const specials = specialTokens(config);
    const source = files.template ?? templateOf(config);
    this.#template = source === undefined ? undefined : new ChatTemplate(source, specials);
    this.stopTokens = stopTokensOf(files.generation, specials.eos_token, (token) => this.#backend.token_to_id(token));
  }

  encode(text: string, { special = true }: { readonly special?: boolean } = {}): number[] {
    if (text === '' && !special) return [];
    return this.#attempt(() => [...this.#backend.encode(text, { add_special_tokens: special }).ids]);
  }

  decode(tokens: ArrayLike<number>, { special = false }: { readonly special?: boolean } = {}): string {
    // Models often have more ids than their tokenizer.
    const known = Array.from(tokens).filter((token) => this.#backend.id_to_token(token) !== undefined);
    if (known.length === 0) return '';
    // Cleaning up spaces changes text in hindsight, which streaming could not follow.
    const options = { skip_special_tokens: !special, clean_up_tokenization_spaces: false };
    return this.#attempt(() => this.#backend.decode(known, options));
  }

  stream(before?: ArrayLike<number>): TextStream {
    return streamText((tokens) => this.decode(tokens), before);
  }

  chat(messages: readonly ChatMessage[], options?: ChatOptions): string {
    if (!this.#template) throw new TextError('bad-template', 'This tokenizer comes without a chat template.');
    return this.#template.render(messages, options);
  }

  #attempt<T>(run: () => T): T {
    try {
      return run();
    } catch (cause) {
      throw new TextError('bad-tokenizer', `The tokenizer failed: ${messageOf(cause)}`, { cause });
    }
  }
}

function asObject(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new TextError('bad-tokenizer', `${name} does not hold an object.`);
}

/** `bos_token` and so on, which are texts or objects with a `content`. */
function specialTokens(config: Record<string, unknown>): Record<string, string> {
  const specials: Record<string, string> = {};
  for (const [name, value] of Object.entries(config)) {
    if (!name.endsWith('_token')) continue;
    const text = typeof value === 'object' && value !== null ? (value as { content?: unknown }).content : value;
    if (typeof text === 'string') specials[name] = text;
  }
  return specials;
}

/** The only template, or of several named ones the default. */
function templateOf({ chat_template }: Record<string, unknown>): string | undefined {
  if (typeof chat_template === 'string') return chat_template;
  if (!Array.isArray(chat_template)) return undefined;
  const named = chat_template as { readonly name?: unknown; readonly template?: unknown }[];
  const template = (named.find(({ name }) => name === 'default') ?? named[0])?.template;
  return typeof template === 'string' ? template : undefined;
}

function stopTokensOf(
  generation: unknown,
  endToken: string | undefined,
  idOf: (token: string) => number | undefined,
): readonly number[] {
  const ids: unknown = (generation as { eos_token_id?: unknown } | undefined)?.eos_token_id;
  const list = Array.isArray(ids) ? (ids as unknown[]) : [ids];
  const numbers = list.filter((id): id is number => Number.isSafeInteger(id));
  if (numbers.length > 0) return numbers;
  const id = endToken === undefined ? undefined : idOf(endToken);
  return id === undefined ? [] : [id];
}
