/** A column of a table in a terminal: its heading, and the text of a row's cell. */
export interface Column<Row> {
  readonly heading: string;
  readonly text: (row: Row) => string;
  /** Numbers stand right. */
  readonly align?: 'left' | 'right';
}

/** Lines of a table with its columns two spaces apart, no line ending in blanks. */
export function printTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = [columns.map((c) => c.heading), ...rows.map((row) => columns.map((c) => c.text(row)))];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i]!.length)));
  return cells
    .map((line) =>
      line
        .map((text, i) => pad(text, widths[i]!, columns[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function pad<Row>(text: string, width: number, { align }: Column<Row>): string {
  return align === 'right' ? text.padStart(width) : text.padEnd(width);
}
