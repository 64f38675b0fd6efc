/** Findings for people and for programs. */
import { catalogue, hasErrors } from '@hyb/compiler';
import { isLibraryPath, parseLibraryFile } from '@hyb/compiler/sources/library';
import { LineMap, renderDiagnostic } from '@hyb/grammar';
import type { Diagnostic, DiagnosticPart, SourceTexts } from '@hyb/grammar';
import type { Io } from '../terminal/io.js';

export { hasErrors };
export type { SourceTexts };

const MOST_SHOWN = 50;

/** Prints findings, with the lines that they are about. */
export function printDiagnostics(io: Io, diagnostics: readonly Diagnostic[], texts: SourceTexts): void {
  const { paintErr } = io;
  const paints: Readonly<Record<DiagnosticPart, (text: string) => string>> = {
    error: (text) => paintErr.bold(paintErr.red(text)),
    warning: (text) => paintErr.bold(paintErr.yellow(text)),
    title: paintErr.bold,
    frame: paintErr.dim,
    related: paintErr.cyan,
    hint: paintErr.cyan,
  };
  const style = { paint: (part: DiagnosticPart, text: string) => paints[part](text), width: io.columns };
  const sources = withLibrary(texts);
  for (const diagnostic of diagnostics.slice(0, MOST_SHOWN)) {
    io.err(`${renderDiagnostic(diagnostic, sources, style)}\n`);
  }
  if (diagnostics.length > MOST_SHOWN) {
    io.err(paintErr.dim(`… and ${diagnostics.length - MOST_SHOWN} more (--json has all of them)\n\n`));
  }
}

/** `2 errors, 1 warning` */
export function countFindings(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter((d) => d.severity === 'error').length;
  const warnings = diagnostics.length - errors;
  const count = (n: number, word: string): string[] => (n === 0 ? [] : [`${n} ${word}${n === 1 ? '' : 's'}`]);
  return [...count(errors, 'error'), ...count(warnings, 'warning')].join(', ');
}

/** Findings may point at the standard library, which no host reads. */
function withLibrary(texts: SourceTexts): SourceTexts {
  return (file) => (isLibraryPath(file) ? parseLibraryFile(file)?.text : texts(file));
}

export interface JsonPlace {
  readonly offset: number;
  /** From 1. */
  readonly line?: number;
  readonly column?: number;
}

export interface JsonDiagnostic {
  readonly code: string;
  readonly severity: string;
  readonly title: string;
  readonly message: string;
  readonly file: string;
  readonly start: JsonPlace;
  readonly end: JsonPlace;
  readonly expected?: string;
  readonly found?: string;
  readonly related: readonly { readonly message: string; readonly file: string; readonly start: JsonPlace }[];
  readonly fixes: readonly {
    readonly title: string;
    readonly edits: readonly {
      readonly file: string;
      readonly start: number;
      readonly end: number;
      readonly text: string;
    }[];
  }[];
}

export function jsonDiagnostics(diagnostics: readonly Diagnostic[], texts: SourceTexts): readonly JsonDiagnostic[] {
  const sources = withLibrary(texts);
  const maps = new Map<string, LineMap>();
  const place = (file: string, offset: number): JsonPlace => {
    const text = sources(file);
    if (text === undefined) return { offset };
    const map = maps.get(file) ?? new LineMap(text);
    maps.set(file, map);
    const { line, column } = map.positionAt(offset);
    return { offset, line: line + 1, column: column + 1 };
  };
  return diagnostics.map(({ code, severity, message, span, expected, found, related, fixes }) => ({
    code,
    severity,
    title: catalogue.get(code)?.title ?? message,
    message,
    file: span.file,
    start: place(span.file, span.start),
    end: place(span.file, span.end),
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    related: related.map((each) => ({
      message: each.message,
      file: each.span.file,
      start: place(each.span.file, each.span.start),
    })),
    fixes: fixes.map(({ title, edits }) => ({
      title,
      edits: edits.map(({ span: { file, start, end }, text }) => ({ file, start, end, text })),
    })),
  }));
}
