import type { CatalogueEntry } from '@hyb/grammar';

/** An entry with its page: what the message means and the smallest source that shows it. */
export interface DocumentedEntry extends CatalogueEntry {
  /** A few sentences: what the rule is and why it is there. */
  readonly explanation: string;
  /** Source that triggers exactly this code. Further files follow lines of the form `// file: name.hyb`. */
  readonly example: string;
  /** The example repaired: it compiles. */
  readonly fixed: string;
}

export type DocumentedCatalogue = Readonly<Record<string, DocumentedEntry>>;
