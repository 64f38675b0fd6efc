/** Counts the words of texts: what merges do not cross. */

/** GPT-2's pattern, which `ByteLevel` in a tokenizer.json stands for. */
const WORDS = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

export function countWords(text: string, counts: Map<string, number>): void {
  for (const [word] of text.matchAll(WORDS)) counts.set(word, (counts.get(word) ?? 0) + 1);
}
