/** Lines and columns of offsets, counted from 1. */
export class LineIndex {
  readonly #starts: number[] = [0];

  constructor(readonly source: string) {
    for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) this.#starts.push(at + 1);
  }

  place(offset: number): { readonly line: number; readonly column: number } {
    const at = Math.max(0, Math.min(offset, this.source.length));
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: at - this.#starts[low]! + 1 };
  }

  /** Without its end. */
  text(line: number): string {
    const start = this.#starts[line - 1] ?? this.source.length;
    const end = (this.#starts[line] ?? this.source.length + 1) - 1;
    return this.source.slice(start, end).replace(/\r$/, '');
  }
}
