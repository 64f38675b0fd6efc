/**
 * Reading a text again after edits, for editors: declarations that no edit is near are taken from the last tree. What comes
 * out is what `parse` makes of the text.
 */
import type { Comment } from '../ast/ast.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { reportDocs, reportSlashes } from './comments.js';
import { Findings, GiveUp } from './findings.js';
import { refuse } from './lex.js';
import type { Range } from './lex.js';
import { parsePart, parseWhole } from './parse.js';
import type { ParsedPart, ParseResult } from './parse.js';
import { keptSegments, segmentOf, segmentRanges } from './segments.js';
import type { Segment } from './segments.js';

/** A tree with the text that it was read from. */
export interface ParsedText extends ParseResult {
  readonly text: string;
  readonly segments: readonly Segment[];
}

/** Reads a text; `previous` is what was read of an earlier one of the same file. */
export function reparse(text: string, file: string, previous?: ParsedText): ParsedText {
  if (previous?.text === text) return previous;
  const ranges = segmentRanges(text);
  return (previous && readChanges(text, file, ranges, previous)) ?? readAll(text, file, ranges);
}

function readAll(text: string, file: string, ranges: readonly Range[]): ParsedText {
  const { part, ...result } = parseWhole(text, file);
  const findings = part && withHidden(result.diagnostics, [part], text);
  const segments = ranges.map((range, i) => segmentOf(range, i === 0, result.file, findings));
  return { ...result, text, segments };
}

/**
 * What was found, with findings about comments, which are not shown beside errors. undefined: nobody knows what would be found
 * of a part of the text.
 */
function withHidden(
  shown: readonly Diagnostic[],
  parts: readonly ParsedPart[],
  text: string,
): readonly Diagnostic[] | undefined {
  if (parts.some(({ pairing }) => pairing === 'together')) return undefined;
  if (!shown.some(({ severity }) => severity === 'error')) return shown;
  const hidden = new Findings();
  try {
    for (const { comments, strayDocs } of parts) reportDocs(comments, strayDocs, text, hidden);
  } catch (error) {
    if (error instanceof GiveUp) return undefined;
    throw error;
  }
  return [...shown, ...hidden.sorted()];
}

/** undefined: what an edit means cannot be told from its neighbourhood. */
function readChanges(
  text: string,
  file: string,
  ranges: readonly Range[],
  previous: ParsedText,
): ParsedText | undefined {
  if (refuse(text, file) !== undefined) return undefined;
  const kept = keptSegments(text, ranges, previous);
  const findings = new Findings();
  const parts: ParsedPart[] = [];
  try {
    for (let first = 0; first < ranges.length; first++) {
      if (kept[first] !== undefined) continue;
      let last = first;
      while (last + 1 < ranges.length && kept[last + 1] === undefined) last++;
      const part = readRun(text, file, ranges, { first, last }, findings);
      if (part === undefined) return undefined;
      parts.push(part);
      first = last;
    }
    // Brackets of several places may pair up in the whole text, or not, whatever they do in each.
    if (parts.length > 1 && parts.filter(({ pairing }) => pairing !== 'apart').length > 1) return undefined;
    if (!findings.hasErrors) {
      for (const { comments, strayDocs } of parts) reportDocs(comments, strayDocs, text, findings);
    }
    for (const { declarations, comments } of parts) reportSlashes(declarations, comments, text, findings);
  } catch (error) {
    // Which findings come first where there are too many, and what is too deep, depends on the whole text.
    if (error instanceof GiveUp || error instanceof RangeError) return undefined;
    throw error;
  }
  const diagnostics = findings.sorted();
  const content = {
    uses: parts.flatMap(({ uses }) => uses),
    declarations: parts.flatMap(({ declarations }) => declarations),
    comments: parts.flatMap(({ comments }) => comments),
  };
  const all = withHidden(diagnostics, parts, text);
  const segments = ranges.map((range, i) => kept[i] ?? segmentOf(range, i === 0, content, all));
  const tree = {
    kind: 'SourceFile',
    span: { file, start: 0, end: text.length },
    uses: segments.flatMap(({ uses }) => uses),
    declarations: segments.flatMap(({ declarations }) => declarations),
    comments: segments.flatMap(({ comments }) => comments),
  } as const;
  return { file: tree, diagnostics, text, segments };
}

interface Run {
  readonly first: number;
  readonly last: number;
}

/** Reads neighbouring segments, with the next one, which is known, to look ahead into. */
function readRun(
  text: string,
  file: string,
  ranges: readonly Range[],
  { first, last }: Run,
  findings: Findings,
): ParsedPart | undefined {
  const { start } = ranges[first]!;
  const { end } = ranges[last]!;
  const next = ranges[last + 1];
  const part = parsePart(text, file, findings, { start, end: next?.end ?? end });
  // A late `use` is reported with the first declaration of the file.
  if (first > 0 && part.uses.length > 0) return undefined;
  if (next === undefined) return part;
  const inRun = ({ span }: { readonly span: Range }): boolean => span.start < end;
  const [ahead, ...more] = part.declarations.filter((each) => !inRun(each));
  const crosses = part.declarations.some(({ span }) => span.start < end && span.end > end);
  const disturbed = findings.sorted().some(({ span }) => start <= span.start && (span.start >= end || span.end > end));
  if (ahead === undefined || more.length > 0 || crosses || disturbed) return undefined;
  const own = (comments: readonly Comment[]): readonly Comment[] => comments.filter(inRun);
  return {
    ...part,
    declarations: part.declarations.filter(inRun),
    comments: own(part.comments),
    strayDocs: own(part.strayDocs),
  };
}
