import { UsageError } from '../errors.js';
import type { Tokens } from '../model/types.js';
import type { TextCodec } from '../text/types.js';
import type { Prompt } from './types.js';

/** One prompt, unless it is a list of them: lists of numbers are tokens. */
export function promptList(prompts: Prompt | readonly Prompt[]): readonly Prompt[] {
  return Array.isArray(prompts) && prompts.length > 0 && typeof prompts[0] !== 'number'
    ? (prompts as readonly Prompt[])
    : [prompts as Prompt];
}

/** @throws UsageError `no-tokenizer`, `bad-argument` */
export function encodePrompts(prompts: readonly Prompt[], tokenizer: TextCodec | undefined): Tokens[] {
  return prompts.map((prompt, i) => {
    const tokens = encode(prompt, tokenizer);
    if (tokens.length === 0) {
      throw new UsageError('bad-argument', `Prompt ${i} is empty: there has to be a token to go on from.`);
    }
    return tokens;
  });
}

function encode(prompt: Prompt, tokenizer: TextCodec | undefined): Tokens {
  if (typeof prompt !== 'string' && !('messages' in prompt)) return prompt;
  if (!tokenizer) {
    throw new UsageError('no-tokenizer', 'Text needs a tokenizer: load the model with one, or give token ids.');
  }
  if (typeof prompt === 'string') return tokenizer.encode(prompt);
  const { messages, tools } = prompt;
  // The template writes special tokens itself.
  return tokenizer.encode(tokenizer.chat(messages, tools ? { tools } : {}), { special: false });
}
