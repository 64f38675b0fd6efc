// What tables of a text's bytes know of another text: the yardsticks of a model of bytes.

/** Bits a byte that each byte of `text` takes, by how often it occurs in `training`; every byte is counted once more. */
export function unigramEntropy(training, text) {
  const counts = new Float64Array(256).fill(1);
  for (const byte of training) counts[byte] += 1;
  const total = training.length + 256;
  let bits = 0;
  for (const byte of text) bits -= Math.log2(counts[byte] / total);
  return bits / text.length;
}

/**
 * The same, by how often it follows the byte before it. Where a pair is rare its share is mixed with that of the byte alone,
 * as if the byte before had been seen a few times more.
 */
export function bigramEntropy(training, text) {
  const MORE = 5;
  const counts = new Float64Array(256).fill(1);
  const pairs = new Float64Array(65_536);
  const firsts = new Float64Array(256);
  training.forEach((byte, i) => {
    counts[byte] += 1;
    if (i === 0) return;
    pairs[256 * training[i - 1] + byte] += 1;
    firsts[training[i - 1]] += 1;
  });
  const total = training.length + 256;
  let bits = 0;
  for (let i = 1; i < text.length; i++) {
    const alone = counts[text[i]] / total;
    const before = text[i - 1];
    bits -= Math.log2((pairs[256 * before + text[i]] + MORE * alone) / (firsts[before] + MORE));
  }
  return bits / (text.length - 1);
}
