/** Where a text can be cut so that its parts can be read one by one, and which parts an edit has left alone. */
import type { Comment, Declaration, Use } from '../ast/ast.js';
import { movedComment, movedDeclaration } from '../ast/moved.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { wordsOf } from '../tokens/token-table.js';
import type { Range } from './lex.js';

export interface Content {
  readonly uses: readonly Use[];
  readonly declarations: readonly Declaration[];
  readonly comments: readonly Comment[];
}

/** From one beginning of a declaration to the next; the first one is what stands before all declarations. */
export interface Segment extends Range, Content {
  /** It is one whole declaration in which nothing was found: between the same neighbours it is read the same again. */
  readonly settled: boolean;
}

/**
 * What `brackets.ts` takes for the beginning of a declaration, whatever is open before it. Some that it takes are no cuts, such
 * as `use`, which may be many, and those with names that cannot be read.
 */
const BEGINNING = new RegExp(
  `^(?:${wordsOf('declaration')
    .filter((word) => word !== 'use')
    .join('|')})[ \\t]+[A-Za-z_]`,
  'gm',
);

/** The parts of a text, in order; together they are all of it. Comments above a declaration belong to it. */
export function segmentRanges(text: string): readonly Range[] {
  const starts = [0];
  // A comment of the kind that other languages have may go over lines, and then no line can be trusted.
  if (!text.includes('/*')) {
    for (const { index } of text.matchAll(BEGINNING)) {
      // Other signs that patterns take for the end of a line are none here.
      if (index === 0 || isLineEnd(text, index - 1)) starts.push(beforeComments(text, index));
    }
  }
  return starts.map((start, i) => ({ start, end: starts[i + 1] ?? text.length }));
}

const isLineEnd = (text: string, offset: number): boolean => text[offset] === '\n' || text[offset] === '\r';

/** The beginning of the comments and empty lines above a line. */
function beforeComments(text: string, lineStart: number): number {
  let start = lineStart;
  while (start > 0) {
    let above = start - 1;
    while (above > 0 && !isLineEnd(text, above - 1)) above--;
    if (!/^\s*(?:\/\/.*)?$/.test(text.slice(above, start - 1))) break;
    start = above;
  }
  return start;
}

/**
 * What of all that was read stands in a part of the text.
 *
 * @param findings all that was found, about comments too where that is not shown; undefined: nobody knows all of it
 */
export function segmentOf(
  range: Range,
  isFirst: boolean,
  content: Content,
  findings: readonly Diagnostic[] | undefined,
): Segment {
  const own = <T extends { readonly span: Range }>(all: readonly T[]): readonly T[] =>
    all.filter(({ span }) => range.start <= span.start && span.start < range.end);
  const [uses, declarations, comments] = [own(content.uses), own(content.declarations), own(content.comments)];
  const whole = isFirst ? declarations.length === 0 : declarations.length === 1 && uses.length === 0;
  const inside = [...uses, ...declarations].every(({ span }) => span.end <= range.end);
  const touches = ({ span }: { readonly span: Range }): boolean => span.start <= range.end && range.start <= span.end;
  const clean = findings?.some((each) => touches(each) || each.related.some(touches)) === false;
  return { ...range, uses, declarations, comments, settled: whole && inside && clean };
}

/**
 * The segments of a text that are as they were, with the same neighbours, moved to where they stand now; undefined for those
 * to be read.
 */
export function keptSegments(
  text: string,
  ranges: readonly Range[],
  before: { readonly text: string; readonly segments: readonly Segment[] },
): readonly (Segment | undefined)[] {
  const indices = unchangedSegments(text, ranges, before);
  const settled = indices.map((index) => index !== undefined && before.segments[index]!.settled);
  return ranges.map(({ start }, i) => {
    const index = indices[i];
    if (index === undefined) return undefined;
    const [left, right] = [
      i === 0 ? -1 : indices[i - 1],
      i + 1 === ranges.length ? before.segments.length : indices[i + 1],
    ];
    // What is read of a declaration may depend on the words before and after it.
    if (left !== index - 1 || right !== index + 1) return undefined;
    if (!settled[i] || settled[i - 1] === false || settled[i + 1] === false) return undefined;
    return movedSegment(before.segments[index]!, start);
  });
}

/** For each segment its index in the text before; undefined where that has none like it. */
function unchangedSegments(
  text: string,
  ranges: readonly Range[],
  { text: old, segments }: { readonly text: string; readonly segments: readonly Range[] },
): readonly (number | undefined)[] {
  const shorter = Math.min(text.length, old.length);
  let prefix = 0;
  while (prefix < shorter && text.charCodeAt(prefix) === old.charCodeAt(prefix)) prefix++;
  let suffix = 0;
  const lastOf = (each: string): number => each.charCodeAt(each.length - 1 - suffix);
  while (suffix < shorter - prefix && lastOf(text) === lastOf(old)) suffix++;
  const indices: (number | undefined)[] = ranges.map(() => undefined);
  for (let i = 0; i < ranges.length && i < segments.length; i++) {
    const [range, segment] = [ranges[i]!, segments[i]!];
    if (range.end > prefix || range.start !== segment.start || range.end !== segment.end) break;
    indices[i] = i;
  }
  const moved = text.length - old.length;
  for (let i = ranges.length - 1, j = segments.length - 1; i >= 0 && j >= 0; i--, j--) {
    const [range, segment] = [ranges[i]!, segments[j]!];
    if (range.start < text.length - suffix || indices[i] !== undefined) break;
    if (range.start !== segment.start + moved || range.end !== segment.end + moved) break;
    indices[i] = j;
  }
  return indices;
}

function movedSegment(segment: Segment, start: number): Segment {
  const by = start - segment.start;
  if (by === 0) return segment;
  return {
    start,
    end: segment.end + by,
    uses: segment.uses,
    declarations: segment.declarations.map((each) => movedDeclaration(each, by)),
    comments: segment.comments.map((each) => movedComment(each, by)),
    settled: segment.settled,
  };
}
