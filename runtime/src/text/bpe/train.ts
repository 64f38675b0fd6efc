import { TextError } from '../../errors.js';
import type { TokenizerFiles } from '../tokenizer.js';
import { BYTE_CHARACTERS } from './alphabet.js';
import { byteLevelTokenizer, END } from './tokenizer-json.js';
import { learnMerges } from './merges.js';
import { countWords } from './words.js';

export interface TrainTokenizerOptions {
  /** Ids in all, the end of text among them; at least 257. */
  readonly vocab: number;
  /** Called with the share of merges that are learned. */
  readonly onProgress?: ((share: number) => void) | undefined;
}

/**
 * Trains a byte-level BPE tokenizer: any text can be spelled with it, and is spelled exactly. Ids: end of text 0, then the
 * bytes, then merges. Where the texts do not hold as many pairs that repeat, there are fewer ids.
 *
 * @returns `tokenizer.json` and `tokenizer_config.json`, as objects that `Tokenizer` takes
 * @throws TextError `bad-tokenizer` for a vocabulary that has no room for the bytes
 */
export async function trainTokenizer(
  texts: AsyncIterable<string> | Iterable<string>,
  { vocab, onProgress }: TrainTokenizerOptions,
): Promise<Required<Pick<TokenizerFiles, 'tokenizer' | 'config'>>> {
  const first = 1 + BYTE_CHARACTERS.length;
  if (!Number.isSafeInteger(vocab) || vocab < first || vocab > 2 ** 20) {
    throw new TextError('bad-tokenizer', `A vocabulary has from ${first} to ${2 ** 20} ids, and not ${vocab}.`);
  }
  const counts = new Map<string, number>();
  for await (const text of texts) countWords(text, counts);
  // Characters in the order of their code points, as other trainers have them.
  const characters = [...BYTE_CHARACTERS].sort();
  const idOfByte = BYTE_CHARACTERS.map((character) => 1 + characters.indexOf(character));
  const encoder = new TextEncoder();
  const words = [...counts].map(([word, count]) => ({
    symbols: Array.from(encoder.encode(word), (byte) => idOfByte[byte]!),
    count,
  }));
  const wanted = vocab - first;
  const merges = learnMerges(words, {
    symbols: first,
    merges: wanted,
    onMerge: (done) => done % 64 === 0 && onProgress?.(done / wanted),
  });
  const spellings = [END, ...characters];
  for (const { left, right } of merges) spellings.push(spellings[left]! + spellings[right]!);
  const pairs = merges.map(({ left, right }) => `${spellings[left]} ${spellings[right]}`);
  return {
    tokenizer: byteLevelTokenizer(spellings, pairs, 0),
    config: { tokenizer_class: 'PreTrainedTokenizerFast', eos_token: END },
  };
}
