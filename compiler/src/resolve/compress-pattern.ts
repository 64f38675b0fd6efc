/** The shortest bracket pattern that expands to a list of names: how a person would write `M F M F M A F …`. */

interface Written {
  readonly text: string;
  /** What a reader has to take in: names, and repetitions at a bit more than a name. */
  readonly cost: number;
  /** One name or one group, to which `*n` can be added as it stands. */
  readonly atom: boolean;
}

/** Above this length the search for nested repeats is too long; only runs of one group are found then. */
const SEARCH_LIMIT = 256;
const REPEAT_COST = 1.5;
/** People let groups begin as the model begins, `(M F)*3 (M A F (M F)*4)*4`, though `M (F M)*3 (A (F M)*5)*4` is shorter. */
const ODD_START_COST = 3;

/** `[(M F)*3 M A F]`, brackets included. Expands to exactly `names`. */
export function compressPattern(names: readonly string[]): string {
  if (names.length === 0) return '[]';
  return `[${names.length <= SEARCH_LIMIT ? shortest(names).text : runs(names)}]`;
}

function shortest(names: readonly string[]): Written {
  const n = names.length;
  const best: Written[][] = Array.from({ length: n }, () => []);
  for (let length = 1; length <= n; length++) {
    for (let start = 0; start + length <= n; start++) {
      best[start]![length] = best1(names, best, start, length);
    }
  }
  return best[0]![n]!;
}

function best1(names: readonly string[], best: readonly Written[][], start: number, length: number): Written {
  if (length === 1) return { text: names[start]!, cost: 1, atom: true };
  let found: Written | undefined;
  for (let period = 1; period * 2 <= length; period++) {
    if (length % period !== 0 || !repeats(names, start, length, period)) continue;
    const inner = best[start]![period]!;
    const text = inner.atom && period === 1 ? inner.text : `(${inner.text})`;
    const odd = period > 1 && names[start] !== names[0] ? ODD_START_COST : 0;
    const cost = inner.cost + REPEAT_COST + odd;
    if (found === undefined || cost < found.cost) found = { text: `${text}*${length / period}`, cost, atom: false };
  }
  for (let first = 1; first < length; first++) {
    const a = best[start]![first]!;
    const b = best[start + first]![length - first]!;
    const cost = a.cost + b.cost;
    if (found === undefined || cost < found.cost) found = { text: `${a.text} ${b.text}`, cost, atom: false };
  }
  return found!;
}

function repeats(names: readonly string[], start: number, length: number, period: number): boolean {
  for (let i = start + period; i < start + length; i++) if (names[i] !== names[i - period]) return false;
  return true;
}

/** Repeats of up to 16 names, from the left. */
function runs(names: readonly string[]): string {
  const parts: string[] = [];
  for (let i = 0; i < names.length;) {
    let period = 1;
    let covered = 1;
    for (let p = 1; p <= 16; p++) {
      let end = i + p;
      while (end < names.length && names[end] === names[end - p]) end++;
      const length = Math.floor((end - i) / p) * p;
      if (length >= 2 * p && length > covered) [period, covered] = [p, length];
    }
    const group = names.slice(i, i + period).join(' ');
    if (covered === 1) parts.push(group);
    else parts.push(`${period === 1 ? group : `(${group})`}*${covered / period}`);
    i += covered;
  }
  return parts.join(' ');
}
