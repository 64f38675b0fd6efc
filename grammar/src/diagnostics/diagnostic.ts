/** A half-open range of UTF-16 offsets in one source file. */
export interface Span {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

export type Severity = 'error' | 'warning';

export interface RelatedPlace {
  readonly span: Span;
  readonly message: string;
}

export interface TextEdit {
  readonly span: Span;
  readonly text: string;
}

/** A change that removes the diagnostic when applied; edits do not overlap. */
export interface Fix {
  readonly title: string;
  readonly edits: readonly TextEdit[];
}

/**
 * One finding of any stage. Findings are data: stages return them beside their result and never print or throw them.
 * `code` is stable and has a page in docs/errors.
 */
export interface Diagnostic {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly span: Span;
  readonly expected?: string;
  readonly found?: string;
  readonly related: readonly RelatedPlace[];
  readonly fixes: readonly Fix[];
}

/** Details of a diagnostic beyond its catalogue entry. */
export interface DiagnosticDetails {
  readonly expected?: string;
  readonly found?: string;
  readonly related?: readonly RelatedPlace[];
  readonly fixes?: readonly Fix[];
}
