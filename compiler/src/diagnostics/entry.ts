/** The compiler's tables have the entries of the grammar's: message, explanation, an example and its repair. */
export type { ExplainedCatalogue as DocumentedCatalogue, ExplainedEntry as DocumentedEntry } from '@hyb/grammar';
