import { streamText } from './stream.js';
import { TextError } from '../errors.js';
import type { TextCodec } from './types.js';

/** Ids of bytes are the bytes. */
const END = 256;

/** One token a byte of UTF-8, and an end of text: 257 ids. Needs no file. */
export const byteTokenizer: TextCodec = {
  size: END + 1,
  stopTokens: [END],
  encode: (text) => [...new TextEncoder().encode(text)],
  decode(tokens, { special = false } = {}) {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    let text = '';
    let start = 0;
    const ids = Array.from(tokens);
    const bytes = (from: number, to: number): string =>
      decoder.decode(Uint8Array.from(ids.slice(from, to).filter((id) => id < END)));
    ids.forEach((id, i) => {
      if (id !== END || !special) return;
      text += `${bytes(start, i)}<|endoftext|>`;
      start = i + 1;
    });
    return text + bytes(start, ids.length);
  },
  stream: (before) => streamText((tokens) => byteTokenizer.decode(tokens), before),
  chat() {
    throw new TextError('bad-template', 'The byte tokenizer has no chat template.');
  },
};
