/** The shortest bracket pattern that expands to a list of names: how a person would write `M F M F M A F …`. */

export type PatternPart =
  { readonly name: string } | { readonly repeat: readonly PatternPart[]; readonly count: number };

/** Above this length the search among nested repeats would take seconds; only runs of one group are found then. */
const SEARCH_LIMIT = 400;
const LONGEST_RUN = 16;
const REPEAT_COST = 1.5;

/**
 * Finds the parts that expand to exactly `names` and give a reader least to take in: each name counts one, each
 * repetition 1.5. Repeated are single names and groups of phrases, see `Groups`.
 */
export function findPattern(names: readonly string[]): readonly PatternPart[] {
  if (names.length === 0) return [];
  return names.length <= SEARCH_LIMIT ? shortest(names) : runs(names);
}

/** The names that parts stand for. */
export function expandParts(parts: readonly PatternPart[]): readonly string[] {
  return parts.flatMap((part) => {
    if ('name' in part) return [part.name];
    const once = expandParts(part.repeat);
    return Array.from({ length: part.count }, () => once).flat();
  });
}

export function patternCost(parts: readonly PatternPart[]): number {
  return parts.reduce((sum, part) => sum + ('name' in part ? 1 : patternCost(part.repeat) + REPEAT_COST), 0);
}

/** `[(M F)*3, M A F, ((M F)*4, M A F)*3]`: repetitions are set off by commas, and names stand together. */
export function printPattern(parts: readonly PatternPart[]): string {
  return `[${printParts(parts)}]`;
}

/** `printPattern(findPattern(names))` */
export function compressPattern(names: readonly string[]): string {
  return printPattern(findPattern(names));
}

export function printParts(parts: readonly PatternPart[]): string {
  return parts.reduce((text, part, i) => {
    const before = parts[i - 1];
    const separator = before === undefined ? '' : 'name' in part && 'name' in before ? ' ' : ', ';
    return text + separator + printPart(part);
  }, '');
}

export function printPart(part: PatternPart): string {
  if ('name' in part) return part.name;
  const [only, ...others] = part.repeat;
  const single = others.length === 0 && only !== undefined && 'name' in only;
  const inner = printParts(part.repeat);
  return `${single ? inner : `(${inner})`}*${part.count}`;
}

/**
 * Best descriptions of all runs of names, short ones first: a run is either a repetition of a shorter one or two runs,
 * one after the other. Ties go to repetitions, then to a first run that is short.
 */
function shortest(names: readonly string[]): readonly PatternPart[] {
  const n = names.length;
  // At `length * n + start`: the least cost, and how it comes about: a period (positive) or the length of the first of
  // two runs (negative).
  const cost = new Float64Array((n + 1) * n).fill(Infinity);
  const choice = new Int32Array((n + 1) * n);
  for (let start = 0; start < n; start++) cost[n + start] = 1;
  const same = sameAhead(names);
  const groups = new Groups(names);
  for (let length = 2; length <= n; length++) {
    for (let start = 0; start + length <= n; start++) {
      let best = Infinity;
      let chosen = 0;
      for (let period = 1; period * 2 <= length; period++) {
        if (length % period !== 0 || same[period]![start]! < length - period || !groups.allows(start, period)) continue;
        const candidate = cost[period * n + start]! + REPEAT_COST;
        if (candidate < best) [best, chosen] = [candidate, period];
      }
      for (let first = 1; first < length; first++) {
        const candidate = cost[first * n + start]! + cost[(length - first) * n + start + first]!;
        if (candidate < best) [best, chosen] = [candidate, -first];
      }
      cost[length * n + start] = best;
      choice[length * n + start] = chosen;
    }
  }
  const read = (start: number, length: number): readonly PatternPart[] => {
    const chosen = choice[length * n + start]!;
    if (chosen === 0) return [{ name: names[start]! }];
    if (chosen > 0) return [{ repeat: read(start, chosen), count: length / chosen }];
    return [...read(start, -chosen), ...read(start - chosen, length + chosen)];
  };
  return read(0, n);
}

/**
 * What may be repeated, so that groups are the units in which people think of such models: a single name, or what ends
 * with a phrase. A phrase ends with the name that ends the model (`M F`, `M A F`), and a group that holds the model's
 * rare name ends with a phrase that does: `((M F)*4, M A F)*3`, not `(A, (F M)*5)*3`, which is shorter.
 */
class Groups {
  /** For each name, where its phrase starts. */
  readonly #start: readonly number[];
  /** For each place, how many of the rare name stand before it. */
  readonly #rare: readonly number[];
  readonly #last: string;

  constructor(readonly names: readonly string[]) {
    this.#last = names.at(-1)!;
    let start = 0;
    this.#start = names.map((name, i) => {
      const own = start;
      if (name === this.#last) start = i + 1;
      return own;
    });
    const rare = rareName(names);
    let seen = 0;
    this.#rare = [0, ...names.map((name) => (seen += Number(name === rare)))];
  }

  allows(start: number, period: number): boolean {
    if (period === 1) return true;
    const end = start + period;
    if (this.names[end - 1] !== this.#last) return false;
    const holdsRare = this.#rare[end]! > this.#rare[start]!;
    return !holdsRare || this.#rare[end]! > this.#rare[this.#start[end - 1]!]!;
  }
}

/** The least frequent name, if it makes up a quarter at most. */
export function rareName(names: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const [rarest] = [...counts].sort(([, a], [, b]) => a - b);
  return rarest !== undefined && rarest[1] * 4 <= names.length ? rarest[0] : undefined;
}

/** [period][start]: for how many names from `start` on each equals the one `period` later. */
function sameAhead(names: readonly string[]): readonly Int32Array[] {
  const n = names.length;
  return Array.from({ length: Math.floor(n / 2) + 1 }, (_, period) => {
    const ahead = new Int32Array(n + 1);
    if (period === 0) return ahead;
    for (let i = n - period - 1; i >= 0; i--) ahead[i] = names[i] === names[i + period] ? ahead[i + 1]! + 1 : 0;
    return ahead;
  });
}

/** Repetitions of up to 16 names, from the left. */
function runs(names: readonly string[]): readonly PatternPart[] {
  const parts: PatternPart[] = [];
  for (let i = 0; i < names.length;) {
    let period = 1;
    let covered = 1;
    for (let p = 1; p <= LONGEST_RUN; p++) {
      let end = i + p;
      while (end < names.length && names[end] === names[end - p]) end++;
      const length = Math.floor((end - i) / p) * p;
      if (length >= 2 * p && length > covered) [period, covered] = [p, length];
    }
    const group = names.slice(i, i + period).map((name) => ({ name }));
    parts.push(...(covered === 1 ? group : [{ repeat: group, count: covered / period }]));
    i += covered;
  }
  return parts;
}
