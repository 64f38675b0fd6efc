/** Byte-level tokenizers as the files that other programs read. */
import type { TokenizerFiles } from '../tokenizer.js';
import { BYTE_CHARACTERS } from './alphabet.js';

export const END = '<|endoftext|>';

/** @param end id of `END` among the spellings */
export function byteLevelTokenizer(spellings: readonly string[], merges: readonly string[], end: number): object {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const special = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [{ id: end, content: END, ...special }],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: { ...byteLevel, trim_offsets: false },
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(spellings.map((spelling, id) => [spelling, id])),
      merges,
    },
  };
}

/** What `byteTokenizer` does, as files: for checkpoints of models that were trained on bytes. */
export function byteTokenizerFiles(): Required<Pick<TokenizerFiles, 'tokenizer' | 'config'>> {
  return {
    tokenizer: byteLevelTokenizer([...BYTE_CHARACTERS, END], [], BYTE_CHARACTERS.length),
    config: { tokenizer_class: 'PreTrainedTokenizerFast', eos_token: END },
  };
}
