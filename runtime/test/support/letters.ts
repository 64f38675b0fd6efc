import { streamText } from '../../src/text/stream.js';
import type { TextCodec } from '../../src/text/types.js';

/** One token a letter, from 1 on; 0 is everything else, 27 the end. */
export const letters: TextCodec = {
  size: 28,
  stopTokens: [27],
  encode: (text) => [...text].map((letter) => (/[a-z]/.test(letter) ? letter.charCodeAt(0) - 96 : 0)),
  decode: (tokens) =>
    Array.from(tokens, (id) => (id > 0 && id < 27 ? String.fromCharCode(96 + id) : id === 0 ? ' ' : '')).join(''),
  stream: (before) => streamText((tokens) => letters.decode(tokens), before),
  chat: () => '',
};
