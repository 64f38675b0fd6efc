/** Findings for people and for programs. */
import type { Diagnostic, Span } from '@hyb/grammar';
import type { Io, Paint } from '../terminal/io.js';
import { titleOf } from './titles.js';
import { LineIndex } from './lines.js';

/** Text of a file by the name that findings give it. */
export type SourceTexts = (file: string) => string | undefined;

/** A source line is shown up to this width; of longer ones the part around the place. */
const SHOWN_COLUMNS = 100;
const MOST_SHOWN = 50;

/** Prints findings and, where there are several, how many. */
export function printDiagnostics(io: Io, diagnostics: readonly Diagnostic[], texts: SourceTexts): void {
  for (const diagnostic of diagnostics.slice(0, MOST_SHOWN)) {
    io.err(`${renderDiagnostic(diagnostic, texts, io.paintErr)}\n`);
  }
  if (diagnostics.length > MOST_SHOWN) {
    io.err(io.paintErr.dim(`… and ${diagnostics.length - MOST_SHOWN} more (--json has all of them)\n\n`));
  }
}

/** `2 errors, 1 warning` */
export function countFindings(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter((d) => d.severity === 'error').length;
  const warnings = diagnostics.length - errors;
  const count = (n: number, word: string): string[] => (n === 0 ? [] : [`${n} ${word}${n === 1 ? '' : 's'}`]);
  return [...count(errors, 'error'), ...count(warnings, 'warning')].join(', ');
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((d) => d.severity === 'error');
}

export function renderDiagnostic(diagnostic: Diagnostic, texts: SourceTexts, paint: Paint): string {
  const { code, severity, message, span, expected, found, related, fixes } = diagnostic;
  const colour = severity === 'error' ? paint.red : paint.yellow;
  const title = titleOf(code) ?? message;
  const lines = [`${paint.bold(colour(severity))}${paint.bold(` ${code}: ${title}`)}`];
  lines.push(...snippet(span, message, texts, colour, paint));
  for (const place of related) lines.push(...snippet(place.span, place.message, texts, paint.cyan, paint));
  if (expected !== undefined) lines.push(note('expected', expected, paint));
  if (found !== undefined) lines.push(note('found', found, paint));
  for (const fix of fixes) lines.push(note('help', fix.title, paint));
  return `${lines.join('\n')}\n`;
}

function note(label: string, text: string, paint: Paint): string {
  return `    ${paint.cyan('=')} ${paint.bold(label)}: ${printable(text)}`;
}

function snippet(
  span: Span,
  message: string,
  texts: SourceTexts,
  colour: (text: string) => string,
  paint: Paint,
): readonly string[] {
  const said = printable(message);
  const text = texts(span.file);
  if (text === undefined) return [`  ${paint.dim('──')} ${printable(span.file)}`, `    ${said}`];
  const index = new LineIndex(text);
  const { line, column } = index.place(span.start);
  const end = index.place(span.end);
  const source = index.text(line);
  const lastColumn = end.line === line ? end.column : source.length + 1;
  const offset = Math.max(0, Math.min(column - 1 - SHOWN_COLUMNS / 2, source.length - SHOWN_COLUMNS));
  const shown = printable(source.slice(offset, offset + SHOWN_COLUMNS));
  const from = column - 1 - offset + (offset > 0 ? 1 : 0);
  const marks = Math.max(1, Math.min(lastColumn - column, SHOWN_COLUMNS - (column - 1 - offset)));
  const cut = offset + SHOWN_COLUMNS < source.length ? '…' : '';
  const gutter = String(line);
  const bar = paint.dim('│');
  return [
    `  ${paint.dim('╭─')} ${printable(span.file)}:${line}:${column}`,
    `${paint.dim(gutter.padStart(4))}${bar.padStart(1)} ${offset > 0 ? '…' : ''}${shown}${cut}`,
    `    ${bar} ${' '.repeat(from)}${colour('^'.repeat(marks))} ${said}`,
  ];
}

/** Text that cannot move the cursor or change colours: control characters become visible, tabs one blank. */
export function printable(text: string): string {
  return text
    .replace(/\t/g, ' ')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\u00b7')
    .replace(/\r?\n/g, ' ');
}

export interface JsonDiagnostic {
  readonly code: string;
  readonly severity: string;
  readonly title?: string;
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
interface JsonPlace {
  readonly offset: number;
  readonly line?: number;
  readonly column?: number;
}

export function jsonDiagnostics(diagnostics: readonly Diagnostic[], texts: SourceTexts): readonly JsonDiagnostic[] {
  const indices = new Map<string, LineIndex>();
  const place = (file: string, offset: number): JsonPlace => {
    const text = texts(file);
    if (text === undefined) return { offset };
    const index = indices.get(file) ?? new LineIndex(text);
    indices.set(file, index);
    return { offset, ...index.place(offset) };
  };
  return diagnostics.map(({ code, severity, message, span, expected, found, related, fixes }) => {
    const title = titleOf(code);
    return {
      code,
      severity,
      ...(title === undefined ? {} : { title }),
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
      fixes: fixes.map((fix) => ({
        title: fix.title,
        edits: fix.edits.map(({ span: { file, start, end }, text }) => ({ file, start, end, text })),
      })),
    };
  });
}
