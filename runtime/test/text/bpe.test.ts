import fc from 'fast-check';
import { byteTokenizer } from '../../src/text/byte-tokenizer.js';
import { learnMerges } from '../../src/text/bpe/merges.js';
import type { Merge } from '../../src/text/bpe/merges.js';
import { byteTokenizerFiles } from '../../src/text/bpe/tokenizer-json.js';
import { trainTokenizer } from '../../src/text/bpe/train.js';
import { Tokenizer } from '../../src/text/tokenizer.js';

const TEXT =
  "It was the best of times, it was the worst of times; it wasn't 1775 … naïve 日本語, 🌊🌊 \n\n  indented\twords, words, words.\n";

/** The same, counting everything anew before each merge. */
function byCounting(
  words: readonly { readonly symbols: readonly number[]; readonly count: number }[],
  symbols: number,
  merges: number,
): Merge[] {
  let spelled = words.map(({ symbols: each, count }) => ({ each: [...each], count }));
  const learned: Merge[] = [];
  while (learned.length < merges) {
    const pairs = new Map<string, number>();
    for (const { each, count } of spelled)
      each
        .slice(1)
        .forEach((right, i) => pairs.set(`${each[i]} ${right}`, (pairs.get(`${each[i]} ${right}`) ?? 0) + count));
    const best = [...pairs]
      .map(([key, count]) => ({ pair: key.split(' ').map(Number) as [number, number], count }))
      .sort((a, b) => b.count - a.count || a.pair[0] - b.pair[0] || a.pair[1] - b.pair[1])[0];
    if (best === undefined || best.count < 2) break;
    const [left, right] = best.pair;
    const symbol = symbols + learned.length;
    learned.push({ left, right });
    spelled = spelled.map(({ each, count }) => {
      const next: number[] = [];
      for (let i = 0; i < each.length; i++) {
        if (each[i] === left && each[i + 1] === right) {
          next.push(symbol);
          i += 1;
        } else next.push(each[i]!);
      }
      return { each: next, count };
    });
  }
  return learned;
}

describe('byte-pair encoding', () => {
  test('learns the merges that counting everything anew gives', () => {
    const word = fc.record({
      symbols: fc.array(fc.nat(3), { minLength: 1, maxLength: 9 }),
      count: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        expect(learnMerges(words, { symbols: 4, merges: 12 })).toEqual(byCounting(words, 4, 12));
      }),
      { numRuns: 300 },
    );
  });

  test('by hand', () => {
    const words = [
      { symbols: [0, 1, 2], count: 5 },
      { symbols: [0, 1], count: 2 },
      { symbols: [2, 2, 2], count: 3 },
    ];
    // (0 1) seven times; then (3 2) five times and (2 2) six times, which overlap in 2 2 2.
    expect(learnMerges(words, { symbols: 3, merges: 9 })).toEqual([
      { left: 0, right: 1 },
      { left: 2, right: 2 },
      { left: 3, right: 2 },
      { left: 4, right: 2 },
    ]);
  });
});

describe('a trained tokenizer', () => {
  test('spells any text exactly, and what it was trained on shortly', async () => {
    const { tokenizer, config } = await trainTokenizer([TEXT, TEXT, TEXT], { vocab: 400 });
    const codec = new Tokenizer({ tokenizer, config });
    expect(codec.size).toBeLessThanOrEqual(400);
    expect(codec.stopTokens).toEqual([0]);
    const ids = codec.encode(TEXT);
    expect(codec.decode(ids)).toBe(TEXT);
    // Three quarters of the characters are in words that occur again and became one symbol.
    expect(ids.length).toBeLessThan(TEXT.length / 2);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        expect(codec.decode(codec.encode(text))).toBe(text);
      }),
    );
  });

  test('is the same whatever pieces the text comes in', async () => {
    const half = TEXT.indexOf('\n') + 2;
    const whole = await trainTokenizer([TEXT + TEXT], { vocab: 300 });
    const again = await trainTokenizer([TEXT, TEXT], { vocab: 300 });
    expect(again).toEqual(whole);
    expect(half).toBeGreaterThan(2);
  });

  test('needs room for the bytes', async () => {
    await expect(trainTokenizer(['a'], { vocab: 256 })).rejects.toThrow(/from 257 to/);
    const { tokenizer } = await trainTokenizer([], { vocab: 300 });
    expect(new Tokenizer({ tokenizer }).size).toBe(257);
  });
});

test('bytes as tokens', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const ids = byteTokenizer.encode(text);
      expect(ids).toEqual([...Buffer.from(text)]);
      expect(byteTokenizer.decode([...ids, 256])).toBe(text);
    }),
  );
  const { tokenizer, config } = byteTokenizerFiles();
  const files = new Tokenizer({ tokenizer, config });
  expect([files.size, files.stopTokens]).toEqual([byteTokenizer.size, byteTokenizer.stopTokens]);
  expect(files.encode(TEXT)).toEqual(byteTokenizer.encode(TEXT));
  expect(files.decode(byteTokenizer.encode(TEXT))).toBe(TEXT);
  expect(byteTokenizer.decode([65, 256, 66], { special: true })).toBe('A<|endoftext|>B');
  const stream = byteTokenizer.stream();
  expect([...Buffer.from('é!')].map((id) => stream.push(id))).toEqual(['', 'é', '!']);
});
