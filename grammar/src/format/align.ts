/**
 * Aligns the `=` of neighbouring items, as the tables of papers do: fields, precision rules, entries of weights, parameters and
 * dimensions of a block.
 */
import type { SourceFile, Statement } from '../ast/ast.js';
import { type AstNode, walk } from '../ast/walk.js';
import { LineMap } from '../diagnostics/line-map.js';

/** Where an item gives something its value. */
interface Assigned {
  /** Items of one kind stand in one table. */
  readonly kind: string;
  readonly start: number;
  readonly end: number;
  /** Where the name ends, before ` = `. */
  readonly name: number;
}

interface Row {
  readonly kind: string;
  readonly line: number;
  readonly lastLine: number;
  readonly offset: number;
  /** Columns before ` = `. */
  readonly width: number;
  /** Columns of the first line. */
  readonly length: number;
}

/**
 * The text with aligned signs. A table whose lines would become longer than `width` stays as it is.
 *
 * @param file what `text` says, which is formatted but for this
 */
export function align(text: string, file: SourceFile, width: number): string {
  const lines = text.split('\n');
  const map = new LineMap(text);
  const padding = new Map<number, number>();
  const visit = (node: AstNode): void => {
    for (const table of tablesOf(itemsOf(node), lines, map)) {
      const widest = Math.max(...table.map((row) => row.width));
      if (table.some((row) => row.length + widest - row.width > width)) continue;
      for (const row of table) padding.set(row.offset, widest - row.width);
    }
  };
  walk(file, { enter: visit });
  let aligned = '';
  let end = 0;
  for (const [offset, count] of [...padding].sort(([a], [b]) => a - b)) {
    aligned += text.slice(end, offset) + ' '.repeat(count);
    end = offset;
  }
  return aligned + text.slice(end);
}

/** Items that stand on lines of their own and give something a value, in order; undefined for others. */
function itemsOf(node: AstNode): readonly (Assigned | undefined)[] {
  switch (node.kind) {
    case 'ModelDeclaration':
    case 'TrainDeclaration':
      return node.items.map((item) =>
        item.kind === 'Field' ? { kind: 'field', ...item.span, name: item.target.span.end } : undefined,
      );
    case 'RecordExpression':
      return node.fields.map(({ span, target }) => ({ kind: 'field', ...span, name: target.span.end }));
    case 'PrecisionBlock':
      return node.rules.map(({ span, role, selector }) => ({
        kind: 'rule',
        ...span,
        name: (selector ?? role).span.end,
      }));
    case 'WeightsDeclaration':
      return node.entries.map(({ span, tensor, shape }) => ({
        kind: 'entry',
        ...span,
        name: (shape ?? tensor).span.end,
      }));
    case 'BlockDeclaration':
      return node.body.map(statement);
    default:
      return [];
  }
}

/** What is computed in a body is no table: `let` stays as it is. */
function statement(each: Statement): Assigned | undefined {
  const at = (name: number): Assigned => ({ kind: each.kind, ...each.span, name });
  switch (each.kind) {
    case 'ParamStatement':
      return each.value === undefined ? undefined : at((each.shape ?? each.name).span.end);
    case 'DimStatement':
      return at(each.name.span.end);
    default:
      return undefined;
  }
}

/** Runs of items of one kind, each on lines of its own, with no line between them. */
function tablesOf(
  items: readonly (Assigned | undefined)[],
  lines: readonly string[],
  map: LineMap,
): readonly (readonly Row[])[] {
  const tables: Row[][] = [];
  for (const item of items) {
    const row = item === undefined ? undefined : rowOf(item, lines, map);
    if (row === undefined) {
      tables.push([]);
      continue;
    }
    const last = tables.at(-1)?.at(-1);
    if (last !== undefined && last.kind === row.kind && last.lastLine + 1 === row.line) tables.at(-1)!.push(row);
    else tables.push([row]);
  }
  return tables.filter((table) => table.length > 1);
}

function rowOf({ kind, start, end, name }: Assigned, lines: readonly string[], map: LineMap): Row | undefined {
  const { line, column } = map.positionAt(start);
  const text = lines[line]!;
  if (text.slice(0, column).trim() !== '') return undefined;
  const { column: width } = map.positionAt(name);
  // A comment before the sign would stand on another line.
  if (!text.startsWith(' = ', width)) return undefined;
  const { line: lastLine, column: endColumn } = map.positionAt(end);
  // Remarks at the end may go on beyond the last column.
  const length = lastLine === line ? endColumn : text.length;
  return { kind, line, lastLine, offset: name, width, length };
}
