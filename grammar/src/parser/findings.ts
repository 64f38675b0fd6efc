import type { Diagnostic, Fix, Span } from '../diagnostics/diagnostic.js';
import { MOST_FINDINGS } from './limits.js';

/** Ends the parse: enough has been found, or what follows cannot be read. */
export class GiveUp extends Error {}

/** Gathers the findings of one parse, in any order, and drops repeated ones. */
export class Findings {
  readonly #list: Diagnostic[] = [];
  readonly #seen = new Set<string>();

  add(diagnostic: Diagnostic): void {
    const key = `${diagnostic.code} ${diagnostic.span.start} ${diagnostic.span.end}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    if (this.#list.length >= MOST_FINDINGS) throw new GiveUp();
    this.#list.push(diagnostic);
  }

  /** Whether something with this code was found within a span. */
  has(code: string, { start, end }: Span): boolean {
    return this.#list.some((each) => each.code === code && each.span.start >= start && each.span.end <= end);
  }

  /** Whether nothing was found within a span. */
  clean({ start, end }: Span): boolean {
    return !this.#list.some((each) => each.span.start >= start && each.span.end <= end);
  }

  get hasErrors(): boolean {
    return this.#list.some((each) => each.severity === 'error');
  }

  /** In source order. */
  sorted(): readonly Diagnostic[] {
    return [...this.#list].sort((a, b) => a.span.start - b.span.start || a.span.end - b.span.end);
  }
}

/** A fix that replaces one span. */
export function replacing(title: string, span: Span, text: string): Fix {
  return { title, edits: [{ span, text }] };
}
