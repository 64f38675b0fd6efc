import type { DiagnosticDetails, Fix, Span } from '@hyb/grammar';

/**
 * The candidate nearest to what was written, if it is near enough to be a slip: at most one edit in three letters
 * (insertions, deletions, replacements and swapped neighbours; case counts as a tenth of an edit). Names of one or two
 * letters are all near each other, so that only their case is suggested.
 */
export function nearest(written: string, candidates: Iterable<string>): string | undefined {
  const limit = written.length < 3 ? 0.5 : Math.max(1, Math.floor(written.length / 3));
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    if (candidate === written || Math.abs(candidate.length - written.length) > limit) continue;
    const distance = editDistance(written, candidate);
    if (distance <= limit && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Damerau-Levenshtein distance (optimal string alignment) with cheap changes of case. */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      let cost = Math.min(
        previous[j]! + 1,
        row[j - 1]! + 1,
        previous[j - 1]! + replacement(a.charAt(i - 1), b.charAt(j - 1)),
      );
      if (i > 1 && j > 1 && a.charAt(i - 1) === b.charAt(j - 2) && a.charAt(i - 2) === b.charAt(j - 1)) {
        cost = Math.min(cost, beforePrevious[j - 2]! + 1);
      }
      row.push(cost);
    }
    beforePrevious = previous;
    previous = row;
  }
  return previous[b.length]!;
}

function replacement(a: string, b: string): number {
  if (a === b) return 0;
  return a.toLowerCase() === b.toLowerCase() ? 0.1 : 1;
}

/** "Did you mean" as a fix that replaces what stands at `span`, where a candidate is near. */
export function didYouMean(span: Span, written: string, candidates: Iterable<string>): DiagnosticDetails {
  const found = nearest(written, candidates);
  return found === undefined ? {} : { fixes: [replaceFix(span, found)] };
}

export function replaceFix(span: Span, text: string): Fix {
  return { title: `Did you mean \`${text}\`?`, edits: [{ span, text }] };
}

/** `a`, `a or b`, `a, b or c`; long lists are cut after `limit`. */
export function listNames(names: Iterable<string>, limit = 12): string {
  const all = [...names];
  const shown = all.slice(0, limit);
  if (all.length > limit) return `${shown.join(', ')}, …`;
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} or ${shown.at(-1)}`;
}
