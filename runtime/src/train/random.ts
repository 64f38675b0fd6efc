/** Random numbers that depend on nothing but their seed, on any machine. */

/** Mixes 32 bits thoroughly (the finalizer of MurmurHash3). */
function mix(bits: number): number {
  let h = bits >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** 32 bits that depend on all of the numbers and on their order. */
export function hash32(...numbers: readonly number[]): number {
  let h = 0x9e3779b9;
  for (const number of numbers) {
    h = mix(Math.imul(h, 5) + 0xe6546b64 + (number >>> 0));
    h = mix(h ^ Math.floor(number / 2 ** 32));
  }
  return h;
}

const ROUNDS = 4;

/**
 * Where `index` goes in a permutation of `0 … count - 1` that the key chooses. Nothing is stored, so that data of any
 * size can be shuffled: a Feistel network permutes the next power of four, and indices that fall outside go round again.
 */
export function permute(index: number, count: number, key: number): number {
  let half = 1;
  while (2 ** (2 * half) < count) half += 1;
  const size = 2 ** half;
  let at = index;
  do {
    let left = Math.floor(at / size);
    let right = at % size;
    for (let round = 0; round < ROUNDS; round++) {
      const next = (left ^ hash32(key, round, right)) & (size - 1);
      left = right;
      right = next;
    }
    at = left * size + right;
  } while (at >= count);
  return at;
}
