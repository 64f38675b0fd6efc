/** How documents become tokens. */
import type { TextCodec } from '../../text/types.js';

/** A tokenizer, and a name under which its work can be kept. */
export interface DataTokenizer {
  readonly codec: TextCodec;
  /** Changes whenever the tokenizer would give other ids: a hash of its files, or `bytes`. */
  readonly key: string;
}

export interface DocumentCoder {
  encode(text: string): readonly number[];
  /** What stands before every document, such as a begin-of-text token. */
  readonly before: readonly number[];
  /** What ends every document. */
  readonly after: readonly number[];
}

/** What a tokenizer puts around a text shows in what it makes of none. */
export function documentCoder(codec: TextCodec): DocumentCoder {
  const end = codec.stopTokens[0];
  const around = codec.encode('', { special: true });
  return {
    encode: (text) => codec.encode(text, { special: false }),
    before: around.filter((id) => !codec.stopTokens.includes(id)).slice(0, 1),
    after: end === undefined ? [] : [end],
  };
}
