/** A place in a text: line and column, both from 0, columns in UTF-16 units as in the Language Server Protocol. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Leads from offsets to lines and back. Lines end with `\n`, `\r\n` or `\r`. */
export class LineMap {
  readonly #starts: readonly number[];

  constructor(readonly text: string) {
    const starts = [0];
    for (const match of text.matchAll(/\r\n|\r|\n/g)) starts.push(match.index + match[0].length);
    this.#starts = starts;
  }

  get lineCount(): number {
    return this.#starts.length;
  }

  /** Offsets outside of the text count as its beginning or end. */
  positionAt(offset: number): Position {
    const place = Math.min(Math.max(offset, 0), this.text.length);
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= place) low = middle;
      else high = middle - 1;
    }
    return { line: low, column: place - this.#starts[low]! };
  }

  /** Lines and columns outside of the text count as the nearest ones in it. */
  offsetAt({ line, column }: Position): number {
    if (line < 0) return 0;
    const start = this.#starts[line];
    if (start === undefined) return this.text.length;
    return start + Math.min(Math.max(column, 0), this.lineText(line).length);
  }

  /** Offset of a line's first character. */
  startOf(line: number): number {
    return this.#starts[line] ?? this.text.length;
  }

  /** A line without its end. */
  lineText(line: number): string {
    const start = this.#starts[line];
    if (start === undefined) return '';
    return this.text.slice(start, this.#starts[line + 1]).replace(/(?:\r\n|\r|\n)$/, '');
  }
}
