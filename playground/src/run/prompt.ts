/** Prompts without a tokenizer: token ids, as `1 2 3` or `1, 2, 3`. */

/** @throws RangeError that says what is wrong */
export function parseTokens(text: string, vocab: number): number[] {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  if (words.length === 0) throw new RangeError('The prompt is empty: write token ids, such as 1 2 3.');
  return words.map((word) => {
    const token = Number(word);
    if (!/^\d+$/.test(word) || token >= vocab) {
      throw new RangeError(`'${word}' is no token: the model's are the whole numbers from 0 to ${vocab - 1}.`);
    }
    return token;
  });
}
