import type { Diagnostic, DiagnosticDetails, Severity, Span } from './diagnostic.js';

/** One entry of a stage's table of messages. `message` may hold `{placeholders}` that `report` fills in. */
export interface CatalogueEntry {
  readonly title: string;
  readonly message: string;
  readonly severity?: Severity;
}

/** Codes: HYB0xxx syntax, 1xxx names and files, 2xxx models and layers, 3xxx shapes and types, 4xxx precision, 5xxx train, 6xxx weights. */
export type Catalogue = Readonly<Record<string, CatalogueEntry>>;

type Placeholders<M extends string> = M extends `${string}{${infer P}}${infer Rest}` ? P | Placeholders<Rest> : never;

/**
 * Makes a reporter from a table, so that a code that is not in the table, or a placeholder that is not filled, does not
 * type-check.
 *
 * @example
 * export const messages = { HYB1001: { title: 'Unknown name', message: "There is no '{name}' here." } } as const;
 * const report = reporter(messages);
 * report('HYB1001', span, { name: 'Mamba3' });
 */
export function reporter<const C extends Catalogue>(catalogue: C) {
  return <K extends keyof C & string>(
    code: K,
    span: Span,
    values: Readonly<Record<Placeholders<C[K]['message']>, string | number>>,
    details: DiagnosticDetails = {},
  ): Diagnostic => {
    const entry = catalogue[code] as CatalogueEntry;
    const filled = entry.message.replace(/\{(\w+)\}/g, (_, key: string) =>
      String((values as Record<string, string | number>)[key] ?? `{${key}}`),
    );
    return {
      code,
      severity: entry.severity ?? 'error',
      message: filled,
      span,
      related: details.related ?? [],
      fixes: details.fixes ?? [],
      ...(details.expected === undefined ? {} : { expected: details.expected }),
      ...(details.found === undefined ? {} : { found: details.found }),
    };
  };
}

/** An entry with what its page in docs/errors and `hyb explain` say beyond the message. */
export interface ExplainedEntry extends CatalogueEntry {
  /** A few sentences: what the rule is and why it is there. */
  readonly explanation: string;
  /** The smallest source that triggers this code and no other. */
  readonly example: string;
  /** The example repaired. */
  readonly fixed: string;
}

export type ExplainedCatalogue = Readonly<Record<string, ExplainedEntry>>;
