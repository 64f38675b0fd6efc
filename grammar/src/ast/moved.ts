import type { Span } from '../diagnostics/diagnostic.js';
import type { Comment, Declaration } from './ast.js';

/** What a moved declaration was made of, so that one that moves again and again is made of one. */
const origins = new WeakMap<Declaration, { readonly declaration: Declaration; readonly by: number }>();

/**
 * The same declaration so many characters further on. What is in it is moved when somebody looks: after a keystroke most
 * declarations of a file have moved, and few are looked into.
 */
export function movedDeclaration<D extends Declaration>(declaration: D, by: number): D {
  if (by === 0) return declaration;
  const origin = origins.get(declaration);
  const total = (origin?.by ?? 0) + by;
  const original = origin?.declaration ?? declaration;
  if (total === 0) return original as D;
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(original) as [string, unknown][]) {
    if (typeof value !== 'object' || value === null) result[key] = value;
    else if (key === 'span') result[key] = movedSpan(value as Span, total);
    else if (key === 'name') result[key] = moved(value, total);
    else later(result, key, () => moved(value, total));
  }
  const made = result as unknown as D;
  origins.set(made, { declaration: original, by: total });
  return made;
}

/** The declaration that this one is, wherever it has moved to. */
export function originOf(declaration: Declaration): Declaration {
  return origins.get(declaration)?.declaration ?? declaration;
}

export function movedComment(comment: Comment, by: number): Comment {
  return by === 0 ? comment : { ...comment, span: movedSpan(comment.span, by) };
}

/** A property that is made on first use. */
function later(target: object, key: string, make: () => unknown): void {
  const common = { enumerable: true, configurable: true };
  const get = (): unknown => {
    const value = make();
    Object.defineProperty(target, key, { ...common, value });
    return value;
  };
  Object.defineProperty(target, key, { ...common, get });
}

function moved(value: unknown, by: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => moved(each, by));
  const result: Record<string, unknown> = {};
  for (const key in value) {
    const part = (value as Record<string, unknown>)[key];
    result[key] = key === 'span' ? movedSpan(part as Span, by) : moved(part, by);
  }
  return result;
}

function movedSpan({ file, start, end }: Span, by: number): Span {
  return { file, start: start + by, end: end + by };
}
