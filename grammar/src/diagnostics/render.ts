import { columnsOf, visible, widthOf } from './columns.js';
import type { Diagnostic, Fix, Span } from './diagnostic.js';
import { applyFix } from './fixes.js';
import { LineMap } from './line-map.js';

/** Text of a file by its name in spans; undefined: not known, then only the place is shown. */
export type SourceTexts = (file: string) => string | undefined;

/** What a part of the output is, for colours. */
export type DiagnosticPart = 'error' | 'warning' | 'title' | 'frame' | 'related' | 'hint';

export interface DiagnosticStyle {
  /** Wraps a part of a line, for example in the codes of a terminal; absent: no colours. */
  readonly paint?: (part: DiagnosticPart, text: string) => string;
  /** How a file is called; by default as in spans. */
  readonly fileName?: (file: string) => string;
  /** Columns of the output; longer lines of source are cut. */
  readonly width?: number;
}

/** A mark under a line of source. */
interface Mark {
  readonly span: Span;
  readonly message: string;
  readonly main: boolean;
}

/**
 * A diagnostic as text: what is wrong, the lines of source with the places marked, what was expected and found, and how it
 * can be repaired.
 *
 * ```
 * error[HYB0204]: `=` is expected here, not `:`.
 *   ┌─ tiny.hyb:2:8
 *   │
 * 2 │   width: 64
 *   │        ^ expected `=`, found `:`
 *   │
 *   = fix: Write `=`
 * 2 │   width = 64
 * ```
 */
export function renderDiagnostic(diagnostic: Diagnostic, sources: SourceTexts, style: DiagnosticStyle = {}): string {
  return new Rendering(sources, style).diagnostic(diagnostic);
}

/** All diagnostics, with an empty line between them, and how many there are of each kind. */
export function renderDiagnostics(
  diagnostics: readonly Diagnostic[],
  sources: SourceTexts,
  style: DiagnosticStyle = {},
): string {
  const blocks = diagnostics.map((each) => renderDiagnostic(each, sources, style));
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const warnings = diagnostics.length - errors;
  const count = (number: number, word: string) => (number === 0 ? [] : [`${number} ${word}${number === 1 ? '' : 's'}`]);
  const summary = [...count(errors, 'error'), ...count(warnings, 'warning')].join(', ');
  return [...blocks, ...(summary === '' ? [] : [`${summary}\n`])].join('\n');
}

class Rendering {
  readonly #maps = new Map<string, LineMap | undefined>();
  readonly #paint: (part: DiagnosticPart, text: string) => string;
  readonly #fileName: (file: string) => string;
  readonly #width: number;
  #gutter = 1;

  constructor(
    readonly sources: SourceTexts,
    style: DiagnosticStyle,
  ) {
    this.#paint = style.paint ?? ((_, text) => text);
    this.#fileName = style.fileName ?? ((file) => file);
    this.#width = Math.max(style.width ?? 140, 40);
  }

  diagnostic(diagnostic: Diagnostic): string {
    const { severity, code, message, related, fixes, span } = diagnostic;
    const marks: Mark[] = [
      { span, message: expectation(diagnostic), main: true },
      ...related.map((each) => ({ span: each.span, message: each.message, main: false })),
    ];
    this.#gutter = Math.max(
      ...marks.map((mark) => this.#lastLine(mark.span)),
      ...fixes.map((fix) => this.#fixLine(fix)),
    );
    const lines = [`${this.#paint(severity, `${severity}[${code}]`)}${this.#paint('title', `: ${message}`)}`];
    const files = [...new Set(marks.map((mark) => mark.span.file))];
    for (const file of files) {
      const here = marks.filter((mark) => mark.span.file === file);
      lines.push(...this.#block(file, here, severity));
    }
    for (const fix of fixes) lines.push(...this.#fix(fix));
    return `${lines.join('\n')}\n`;
  }

  #mapOf(file: string): LineMap | undefined {
    if (!this.#maps.has(file)) {
      const text = this.sources(file);
      this.#maps.set(file, text === undefined ? undefined : new LineMap(text));
    }
    return this.#maps.get(file);
  }

  /** Digits of the largest line number that a span needs. */
  #lastLine({ file, end }: Span): number {
    return String((this.#mapOf(file)?.positionAt(end).line ?? 0) + 1).length;
  }

  #bar(number?: number): string {
    const label = number === undefined ? '' : String(number);
    return this.#paint('frame', `${label.padStart(this.#gutter)} │`);
  }

  #block(file: string, marks: readonly Mark[], severity: 'error' | 'warning'): string[] {
    const map = this.#mapOf(file);
    const first = marks[0]!;
    const place = map?.positionAt(first.span.start);
    const suffix = place === undefined ? '' : `:${place.line + 1}:${place.column + 1}`;
    const lines = [this.#paint('frame', `${' '.repeat(this.#gutter)} ┌─ ${visible(this.#fileName(file))}${suffix}`)];
    if (map === undefined) {
      return [
        ...lines,
        ...marks.filter(({ message }) => message !== '').map(({ message }) => `${this.#bar()} ${message}`),
      ];
    }
    lines.push(this.#bar());
    const rows = marks.flatMap((mark) => rowsOf(mark, map)).sort((a, b) => a.line - b.line);
    let shown: number | undefined;
    for (const row of rows) {
      if (row.line !== shown) {
        if (shown !== undefined && row.line === shown + 2) lines.push(this.#source(map, shown + 1));
        else if (shown !== undefined && row.line > shown + 1) {
          lines.push(this.#paint('frame', `${' '.repeat(this.#gutter)} ·`));
        }
        lines.push(this.#source(map, row.line, row));
        shown = row.line;
      }
      lines.push(this.#mark(map, row, severity));
    }
    return [...lines, this.#bar()];
  }

  /** A line of source, cut so that what is marked can be seen. */
  #source(map: LineMap, line: number, row?: Row): string {
    const text = visible(map.lineText(line));
    const [from, to] = this.#window(map, line, row);
    const cut = sliceColumns(text, from, to);
    const before = from > 0 ? '…' : '';
    const after = to < widthOf(text) ? '…' : '';
    return `${this.#bar(line + 1)} ${before}${cut}${after}`.trimEnd();
  }

  /** Columns of a line that are shown. */
  #window(map: LineMap, line: number, row: Row | undefined): readonly [number, number] {
    const space = this.#width - this.#gutter - 5;
    const text = visible(map.lineText(line));
    const width = widthOf(text);
    if (width <= space) return [0, width];
    const start = row === undefined ? 0 : columnOf(map, line, row.start);
    const from = start < space - 20 ? 0 : start - 20;
    return [from, Math.min(from + space, width)];
  }

  #mark(map: LineMap, row: Row, severity: 'error' | 'warning'): string {
    const [from, to] = this.#window(map, row.line, row);
    const start = columnOf(map, row.line, row.start) - from + (from > 0 ? 1 : 0);
    const end = Math.min(columnOf(map, row.line, row.end), to) - from + (from > 0 ? 1 : 0);
    const sign = row.main ? '^' : '-';
    const signs = sign.repeat(Math.max(end - start, 1));
    const label = row.message === '' ? '' : ` ${row.message}`;
    return `${this.#bar()} ${' '.repeat(start)}${this.#paint(row.main ? severity : 'related', signs + label)}`;
  }

  #fixLine(fix: Fix): number {
    return Math.max(1, ...fix.edits.map(({ span }) => this.#lastLine(span)));
  }

  /** What a fix does, with the lines as they are after it. */
  #fix(fix: Fix): string[] {
    const title = this.#paint('hint', `${' '.repeat(this.#gutter)} = fix: ${fix.title}`);
    const file = fix.edits[0]?.span.file;
    const map = file === undefined ? undefined : this.#mapOf(file);
    if (map === undefined || fix.edits.some(({ span }) => span.file !== file)) return [title];
    const first = map.positionAt(Math.min(...fix.edits.map(({ span }) => span.start))).line;
    const last = map.positionAt(Math.max(...fix.edits.map(({ span }) => span.end))).line;
    const after = new LineMap(applyFix(map.text, fix));
    const added = after.lineCount - map.lineCount;
    const lines: string[] = [];
    for (let line = first; line <= last + added && lines.length < 4; line++) lines.push(this.#source(after, line));
    return [title, ...lines];
  }
}

function expectation({ expected, found }: Diagnostic): string {
  if (expected !== undefined && found !== undefined) return `expected ${expected}, found ${found}`;
  if (expected !== undefined) return `expected ${expected}`;
  return found === undefined ? '' : `found ${found}`;
}

/** A part of a mark on one line. Offsets are those of the text. */
interface Row {
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly message: string;
  readonly main: boolean;
}

/** Of a span over several lines, the first and the last line are marked. */
function rowsOf({ span, message, main }: Mark, map: LineMap): Row[] {
  const first = map.positionAt(span.start).line;
  const last = map.positionAt(span.end).line;
  if (first === last) return [{ line: first, start: span.start, end: span.end, message, main }];
  const firstEnd = map.startOf(first) + map.lineText(first).length;
  const indent = /^\s*/.exec(map.lineText(last))![0].length;
  return [
    { line: first, start: span.start, end: firstEnd, message: '', main },
    { line: last, start: Math.min(map.startOf(last) + indent, span.end), end: span.end, message, main },
  ];
}

/** The column in which an offset is shown. */
function columnOf(map: LineMap, line: number, offset: number): number {
  return widthOf(visible(map.lineText(line).slice(0, Math.max(0, offset - map.startOf(line)))));
}

function sliceColumns(text: string, from: number, to: number): string {
  let column = 0;
  let result = '';
  for (const character of text) {
    if (column >= from && column < to) result += character;
    column += columnsOf(character);
  }
  return result;
}
