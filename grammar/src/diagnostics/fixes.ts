import type { Fix, TextEdit } from './diagnostic.js';

/** The text after a fix. All edits of the fix must belong to this text. */
export function applyFix(text: string, fix: Fix): string {
  return applyEdits(text, fix.edits);
}

/**
 * The text after edits, whose spans refer to the text before them and do not overlap. Edits at the same place are applied in
 * their order.
 *
 * @throws RangeError if edits overlap or lie outside of the text
 */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  const sorted = edits
    .map((edit, index) => ({ ...edit, index }))
    .sort((a, b) => a.span.start - b.span.start || a.span.end - b.span.end || a.index - b.index);
  let result = '';
  let end = 0;
  for (const { span, text: inserted } of sorted) {
    if (span.start < end || span.end < span.start || span.end > text.length) {
      throw new RangeError(
        `An edit of ${span.file} at ${span.start}–${span.end} overlaps another one or leaves the text.`,
      );
    }
    result += text.slice(end, span.start) + inserted;
    end = span.end;
  }
  return result + text.slice(end);
}
