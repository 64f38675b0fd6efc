/**
 * Words are keywords only where they are expected. What of that a line by itself tells is said here, as a regular
 * expression for what follows the word (and for what must stand before it), in the common part of the dialects of
 * Oniguruma and JavaScript. Where a line cannot tell, the language server's semantic tokens do.
 */
import { tokenTable, wordsOf } from '../tokens/token-table.js';
import type { TokenRow } from '../tokens/token-table.js';

export interface WordContext {
  /** Right before the word. */
  readonly before?: string;
  /** Right after it. */
  readonly after: string;
}

const NAME = String.raw`[A-Za-z_]\w*`;
/** `=` but not `==`. */
const ASSIGN = '=(?!=)';
const END = String.raw`\s*(?:$|//)`;
const INFIX = String.raw`(?:and|or|div|as|then|else|when|with|in|of)\b`;
/** A value begins, and not one that an index or a member could be. */
const VALUE = String.raw`\s*(?:(?!${INFIX})[A-Za-z_]|\d|"|\(|\{|-(?!>))`;
/** After a word that begins a statement brackets and ranges are values too. */
const ANY_VALUE = String.raw`(?=${VALUE}|\s+[\[.]|${END})`;
/** Nothing that shows the word to be a name: neither `=` nor `.` nor a closing bracket. */
const NO_NAME = String.raw`(?!\s*(?:=|[.:,)\]}*/%+<>]|!=))`;

const declares = (...followed: string[]): string => String.raw`(?=\s+${NAME}\s*(?:${followed.join('|')}))`;

const contexts: Readonly<Record<string, WordContext>> = {
  Use: { after: String.raw`(?=\s*(?:"|[A-Za-z_]\w*\s*\.))` },
  Model: { after: declares(String.raw`\{`, ASSIGN, '$', '//') },
  Train: { after: declares(String.raw`\{`, ASSIGN, String.raw`of\b`, '$', '//') },
  Weights: { after: declares(String.raw`\{`, ASSIGN, '$', '//') },
  Block: { after: declares(String.raw`\(`) },
  Norm: { after: declares(String.raw`\(`) },
  Fn: { after: declares(String.raw`\(`) },
  Param: { after: String.raw`(?=\s+${NAME}\s*(?:[:=@;}]|when\b|$|//))` },
  Dim: { after: declares(ASSIGN) },
  Slot: { after: String.raw`(?=\s+${NAME})(?!\s+${INFIX})` },
  Let: { after: String.raw`(?=\s+${NAME}\s*${ASSIGN}|\s*\()` },
  Require: { after: ANY_VALUE },
  Return: { after: ANY_VALUE },
  Yield: { after: ANY_VALUE },
  If: { after: String.raw`(?=${VALUE}|${END})` },
  Then: { after: NO_NAME },
  Else: { after: NO_NAME },
  Scan: { after: String.raw`(?=\s*\(\s*(?:${NAME}\s+in\b|$|//))` },
  State: { after: String.raw`(?=\s+${NAME}\s*:)` },
  When: { after: ANY_VALUE },
  Precision: { after: String.raw`(?=\s*\{)` },
  In: { after: String.raw`(?=\s+${NAME})` },
  With: { after: String.raw`(?=\s*\{|${END})` },
  Of: { after: String.raw`(?=\s+${NAME})` },
  Shared: { after: String.raw`(?=\s+(?!${INFIX})${NAME})` },
  And: { after: NO_NAME },
  Or: { after: NO_NAME },
  Div: { after: NO_NAME },
  Not: { after: String.raw`(?=${VALUE}|${END})` },
  As: { after: String.raw`(?=\s*\[|\s+${NAME}|${END})` },
};

/** In front of `=` and `:` they are names of fields and letters of patterns. */
const CONSTANT: WordContext = { after: String.raw`(?!\s*(?:${ASSIGN}|:))` };
/** The type of a parameter ends it, or its default follows. */
const TYPE: WordContext = { before: String.raw`(?<=:|: )`, after: String.raw`(?=\s*(?:${ASSIGN}|[,)]|$|//))` };
const FORMAT: WordContext = { before: String.raw`(?<==|= )`, after: String.raw`(?!\s*[.(\[])` };

/** When a word of the table is what the table says of it. Units follow their number and have a rule of their own. */
export function contextOf({ name, category }: TokenRow): WordContext | undefined {
  switch (category) {
    case 'constant':
      return CONSTANT;
    case 'type':
      return TYPE;
    case 'format':
      return FORMAT;
    default:
      return contexts[name];
  }
}

/** `fn` and `norm` are types of parameters too. */
export const parameterTypes: readonly string[] = [...wordsOf('type'), 'fn', 'norm'];
export const typeContext = TYPE;

/** What follows a number's unit if it is one. */
export const UNIT_AFTER = String.raw`(?!\s*(?:${ASSIGN}|\.(?!\.)|[:\[]))`;

/** Rows whose spelling is a word, in the table's order. */
export const wordRows: readonly TokenRow[] = tokenTable.filter(
  (row) => typeof row.pattern === 'string' && /^\w+$/.test(row.pattern),
);
