import type { SourceFile } from './ast.js';
import type { AstNode } from './walk.js';

/** Whether two trees say the same: everything but spans, comments that document nothing, and spellings of numbers. */
export function sameMeaning(a: AstNode | SourceFile, b: AstNode | SourceFile): boolean {
  return equal(a, b);
}

function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((each, index) => equal(each, b[index]));
  }
  const left = relevant(a);
  const right = relevant(b);
  return (
    left.length === right.length && left.every(([key, value]) => equal(value, (b as Record<string, unknown>)[key]))
  );
}

function relevant(node: object): [string, unknown][] {
  const number = (node as { kind?: unknown }).kind === 'NumberLiteral';
  return Object.entries(node).filter(
    ([key, value]) => key !== 'span' && key !== 'comments' && value !== undefined && !(number && key === 'raw'),
  );
}
