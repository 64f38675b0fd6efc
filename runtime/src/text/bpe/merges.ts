/** Byte-pair encoding (Sennrich et al. 2016): the commonest pair of neighbours becomes a symbol, again and again. */

export interface Merge {
  readonly left: number;
  readonly right: number;
}

export interface MergeOptions {
  /** Symbols before any merge: words consist of ids below. */
  readonly symbols: number;
  readonly merges: number;
  /** Pairs that are rarer are not merged; at least 2. */
  readonly least?: number | undefined;
  readonly onMerge?: ((done: number) => void) | undefined;
}

/** Ids stay below, so that two of them make one exact number. */
const BASE = 2 ** 24;

interface Pair {
  count: number;
  /** Words in which it was seen at some time. */
  readonly words: Set<number>;
}

/**
 * Merge `i` makes the symbol `symbols + i`. Of pairs that are equally common, that of smaller ids goes first, so that the
 * result depends on the words and counts alone.
 */
export function learnMerges(
  words: readonly { readonly symbols: readonly number[]; readonly count: number }[],
  { symbols, merges, least = 2, onMerge }: MergeOptions,
): readonly Merge[] {
  const spelled = words.map((word) => [...word.symbols]);
  const pairs = new Map<number, Pair>();
  const queue = new PairQueue();
  const change = (key: number, word: number, by: number): void => {
    let pair = pairs.get(key);
    if (pair === undefined) pairs.set(key, (pair = { count: 0, words: new Set() }));
    pair.count += by;
    if (by > 0) pair.words.add(word);
  };
  spelled.forEach((word, w) => {
    for (let i = 0; i + 1 < word.length; i++) change(word[i]! * BASE + word[i + 1]!, w, words[w]!.count);
  });
  for (const [key, { count }] of pairs) queue.push(key, count);

  const learned: Merge[] = [];
  while (learned.length < merges) {
    const top = queue.pop();
    if (top === undefined) break;
    const pair = pairs.get(top.key);
    if (pair?.count !== top.count) {
      // Its count has changed since it was queued, or it has been merged.
      if (pair !== undefined && pair.count >= least) queue.push(top.key, pair.count);
      continue;
    }
    if (pair.count < least) break;
    const [left, right] = [Math.floor(top.key / BASE), top.key % BASE];
    const symbol = symbols + learned.length;
    learned.push({ left, right });
    const fresh = new Set<number>();
    for (const w of pair.words) {
      const { count } = words[w]!;
      spelled[w] = replace(spelled[w]!, left, right, symbol, (key, by) => {
        change(key, w, by * count);
        // No other pair becomes more common.
        if (by > 0 && (key % BASE === symbol || Math.floor(key / BASE) === symbol)) fresh.add(key);
      });
    }
    pairs.delete(top.key);
    for (const key of fresh) {
      const made = pairs.get(key);
      if (made !== undefined && made.count >= least) queue.push(key, made.count);
    }
    onMerge?.(learned.length);
  }
  return learned;
}

/** A word with a pair replaced, from the left; tells of neighbours that go (-1) and come (1). */
function replace(
  word: readonly number[],
  left: number,
  right: number,
  symbol: number,
  change: (key: number, by: 1 | -1) => void,
): number[] {
  const result: number[] = [];
  for (let i = 0; i < word.length; i++) {
    if (word[i] !== left || word[i + 1] !== right) {
      result.push(word[i]!);
      continue;
    }
    result.push(symbol);
    i += 1;
  }
  if (result.length === word.length) return result;
  for (let i = 0; i + 1 < word.length; i++) change(word[i]! * BASE + word[i + 1]!, -1);
  for (let i = 0; i + 1 < result.length; i++) change(result[i]! * BASE + result[i + 1]!, 1);
  return result;
}

/** A heap: the largest count first, then the smallest key. */
class PairQueue {
  readonly #keys: number[] = [];
  readonly #counts: number[] = [];

  push(key: number, count: number): void {
    let at = this.#keys.length;
    this.#keys.push(key);
    this.#counts.push(count);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.#before(at, above)) break;
      this.#swap(at, above);
      at = above;
    }
  }

  pop(): { readonly key: number; readonly count: number } | undefined {
    const [key, count] = [this.#keys[0], this.#counts[0]];
    if (key === undefined || count === undefined) return undefined;
    const last = this.#keys.length - 1;
    this.#swap(0, last);
    this.#keys.pop();
    this.#counts.pop();
    for (let at = 0; ;) {
      let best = at;
      for (const below of [2 * at + 1, 2 * at + 2]) if (below < last && this.#before(below, best)) best = below;
      if (best === at) break;
      this.#swap(at, best);
      at = best;
    }
    return { key, count };
  }

  #before(a: number, b: number): boolean {
    const [x, y] = [this.#counts[a]!, this.#counts[b]!];
    return x > y || (x === y && this.#keys[a]! < this.#keys[b]!);
  }

  #swap(a: number, b: number): void {
    [this.#keys[a], this.#keys[b]] = [this.#keys[b]!, this.#keys[a]!];
    [this.#counts[a], this.#counts[b]] = [this.#counts[b]!, this.#counts[a]!];
  }
}
