/** What can be folded: everything in brackets over several lines, runs of comments and of `use`. */
import { pairBrackets } from '@hyb/grammar/parser/brackets';
import { Findings } from '@hyb/grammar/parser/findings';
import { lex } from '@hyb/grammar/parser/lex';
import { FoldingRangeKind } from 'vscode-languageserver-types';
import type { FoldingRange } from 'vscode-languageserver-types';
import type { Place } from '../workspace/workspace.js';

export function folding(place: Place): readonly FoldingRange[] {
  const { text, syntax } = place.file;
  const findings = new Findings();
  const lineOf = (offset: number): number => place.rangeOf({ start: offset, end: offset }).start.line;
  const ranges: FoldingRange[] = [];
  const add = (start: number, end: number, kind?: FoldingRangeKind): void => {
    if (end > start) ranges.push({ startLine: start, endLine: end, ...(kind !== undefined && { kind }) });
  };
  for (const each of pairBrackets(lex(text, place.path, findings).tokens, place.path, findings).tokens) {
    const { match } = each;
    if (match === undefined || match.startOffset < each.startOffset) continue;
    // The closing bracket stays in sight.
    add(lineOf(each.startOffset), lineOf(match.startOffset) - 1);
  }
  for (const run of runs(syntax.comments.map(({ span }) => lineOf(span.start)))) add(...run, FoldingRangeKind.Comment);
  const uses = syntax.uses.map(({ span }) => span);
  if (uses.length > 1) add(lineOf(uses[0]!.start), lineOf(uses.at(-1)!.end), FoldingRangeKind.Imports);
  return ranges;
}

/** First and last of neighbouring lines. */
function runs(lines: readonly number[]): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (const line of lines) {
    const last = found.at(-1);
    if (last !== undefined && line <= last[1] + 1) last[1] = line;
    else found.push([line, line]);
  }
  return found;
}
