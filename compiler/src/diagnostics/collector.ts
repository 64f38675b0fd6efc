import type { Diagnostic } from '@hyb/grammar';

/**
 * Gathers findings in the order in which they are made. A finding made twice is kept once: a base model is looked at
 * again for each model derived from it.
 */
export class Diagnostics {
  readonly #all = new Map<string, Diagnostic>();

  add(diagnostic: Diagnostic): void {
    const { code, span, message } = diagnostic;
    const key = `${code} ${span.file}:${span.start}-${span.end} ${message}`;
    if (!this.#all.has(key)) this.#all.set(key, diagnostic);
  }

  addAll(diagnostics: Iterable<Diagnostic>): void {
    for (const diagnostic of diagnostics) this.add(diagnostic);
  }

  /** Number of errors so far; compare two readings to know whether a step went well. */
  get errors(): number {
    let count = 0;
    for (const d of this.#all.values()) if (d.severity === 'error') count++;
    return count;
  }

  /** All findings, by file and place. */
  list(): readonly Diagnostic[] {
    return [...this.#all.values()].sort(
      (a, b) => compare(a.span.file, b.span.file) || a.span.start - b.span.start || compare(a.code, b.code),
    );
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
