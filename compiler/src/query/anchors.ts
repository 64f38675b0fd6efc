/**
 * Places that survive edits elsewhere: a place in a declaration is kept as the declaration's text and an offset in it, and
 * found again wherever a declaration with that text stands now.
 */
import type { Diagnostic, Fix, RelatedPlace, Span } from '@hyb/grammar';
import type { ProjectFile } from '../sources/project.js';
import { declarationText } from './declaration-text.js';

type Files = ReadonlyMap<string, ProjectFile>;

interface Anchor {
  readonly file: string;
  readonly text: string;
  /** Which of several declarations with this very text. */
  readonly nth: number;
  readonly start: number;
  readonly end: number;
}

export type AnchoredSpan = Anchor | { readonly fixed: Span };

export interface AnchoredDiagnostic {
  readonly diagnostic: Diagnostic;
  readonly span: AnchoredSpan;
  readonly related: readonly AnchoredSpan[];
  readonly fixes: readonly (readonly AnchoredSpan[])[];
}

export function anchor(span: Span, files: Files): AnchoredSpan {
  const file = files.get(span.file);
  const declaration = file?.syntax.declarations.find(
    (each) => each.span.start <= span.start && span.end <= each.span.end,
  );
  if (file === undefined || declaration === undefined) return { fixed: span };
  const text = declarationText(declaration, file);
  const same = file.syntax.declarations.filter((each) => declarationText(each, file) === text);
  const from = declaration.span.start;
  return { file: span.file, text, nth: same.indexOf(declaration), start: span.start - from, end: span.end - from };
}

/** The place now; undefined where its declaration is gone. */
export function locate(place: AnchoredSpan, files: Files): Span | undefined {
  if ('fixed' in place) return place.fixed;
  const file = files.get(place.file);
  const same = file?.syntax.declarations.filter((each) => declarationText(each, file) === place.text) ?? [];
  const from = same[place.nth]?.span.start;
  return from === undefined ? undefined : { file: place.file, start: from + place.start, end: from + place.end };
}

export function anchorDiagnostic(diagnostic: Diagnostic, files: Files): AnchoredDiagnostic {
  return {
    diagnostic,
    span: anchor(diagnostic.span, files),
    related: diagnostic.related.map(({ span }) => anchor(span, files)),
    fixes: diagnostic.fixes.map(({ edits }) => edits.map(({ span }) => anchor(span, files))),
  };
}

/** The diagnostic where its declarations stand now; undefined where one of them is gone. */
export function locateDiagnostic(anchored: AnchoredDiagnostic, files: Files): Diagnostic | undefined {
  const { diagnostic } = anchored;
  const span = locate(anchored.span, files);
  if (span === undefined) return undefined;
  const related: RelatedPlace[] = [];
  for (const [i, each] of diagnostic.related.entries()) {
    const place = locate(anchored.related[i]!, files);
    if (place === undefined) return undefined;
    related.push({ ...each, span: place });
  }
  const fixes: Fix[] = [];
  for (const [i, fix] of diagnostic.fixes.entries()) {
    const edits = fix.edits.map((edit, j) => ({ ...edit, span: locate(anchored.fixes[i]![j]!, files) }));
    if (edits.some((edit) => edit.span === undefined)) return undefined;
    fixes.push({ ...fix, edits: edits as Fix['edits'] });
  }
  return { ...diagnostic, span, related, fixes };
}

/** Whether all that a finding speaks of stands within a place. */
export function isWithin({ span, related, fixes }: Diagnostic, { file, start, end }: Span): boolean {
  const places = [span, ...related, ...fixes.flatMap(({ edits }) => edits)].map((each) =>
    'span' in each ? each.span : each,
  );
  return places.every((place) => place.file === file && start <= place.start && place.end <= end);
}
