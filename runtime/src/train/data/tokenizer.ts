/** How documents become tokens. */
import { byteTokenizerFiles } from '../../text/bpe/tokenizer-json.js';
import { byteTokenizer } from '../../text/byte-tokenizer.js';
import { parseTokenizer, readTokenizer, TOKENIZER_FILES } from '../../text/load.js';
import type { TokenizerSource, TokenizerTexts } from '../../text/load.js';
import type { TextCodec } from '../../text/types.js';
import { digest } from './digest.js';

/** A tokenizer, and a name under which its work can be kept. */
export interface DataTokenizer {
  readonly codec: TextCodec;
  /** Changes whenever the tokenizer would give other ids: a hash of its files, or `bytes`. */
  readonly key: string;
  /** Its files as texts by name, to be kept beside weights. */
  readonly files?: TokenizerTexts;
}

/** Bytes as tokens. */
export function bytesAsTokens(): DataTokenizer {
  const { tokenizer, config } = byteTokenizerFiles();
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  return {
    codec: byteTokenizer,
    key: 'bytes',
    files: { 'tokenizer.json': json(tokenizer), 'tokenizer_config.json': json(config) },
  };
}

/** @throws TextError `bad-tokenizer`, `bad-template` */
export async function dataTokenizer(files: TokenizerTexts): Promise<DataTokenizer> {
  const key = await digest(JSON.stringify(TOKENIZER_FILES.map((name) => files[name] ?? null)));
  return { codec: parseTokenizer(files), key, files };
}

/**
 * The tokenizer of a folder (path or URL) or of files, for training.
 *
 * @throws as `loadTokenizer`
 */
export async function loadDataTokenizer(source: TokenizerSource, signal?: AbortSignal): Promise<DataTokenizer> {
  return dataTokenizer(await readTokenizer(source, signal));
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
