import { createToken } from 'chevrotain';

/**
 * Spellings that other languages and papers use. They are read as what was meant, so that one slip gives one message,
 * which carries the right spelling as its fix.
 */
export interface ForeignSpelling {
  /** What stands in the file. */
  readonly spelling: string;
  /** What Hyb writes instead. */
  readonly replacement: string;
  /** Name of the token that takes its place; without one it is dropped. */
  readonly token?: string;
}

/** Longer spellings stand before their beginnings. */
export const foreignSpellings: readonly ForeignSpelling[] = [
  { spelling: '===', replacement: '==', token: 'Equal' },
  { spelling: '!==', replacement: '!=', token: 'NotEqual' },
  { spelling: '=>', replacement: '->', token: 'Arrow' },
  { spelling: ':=', replacement: '=', token: 'Assign' },
  { spelling: '&&', replacement: 'and', token: 'And' },
  { spelling: '||', replacement: 'or', token: 'Or' },
  { spelling: '!', replacement: 'not', token: 'Not' },
  { spelling: '^', replacement: '**', token: 'Power' },
  { spelling: '→', replacement: '->', token: 'Arrow' },
  { spelling: '−', replacement: '-', token: 'Minus' },
  { spelling: '–', replacement: '-', token: 'Minus' },
  { spelling: '×', replacement: '*', token: 'Star' },
  { spelling: '·', replacement: '*', token: 'Star' },
  { spelling: '÷', replacement: '/', token: 'Slash' },
  { spelling: '≤', replacement: '<=', token: 'LessEqual' },
  { spelling: '≥', replacement: '>=', token: 'GreaterEqual' },
  { spelling: '≠', replacement: '!=', token: 'NotEqual' },
  { spelling: '∧', replacement: 'and', token: 'And' },
  { spelling: '∨', replacement: 'or', token: 'Or' },
  { spelling: '¬', replacement: 'not', token: 'Not' },
  { spelling: '…', replacement: '...', token: 'Ellipsis' },
  { spelling: '∞', replacement: 'inf', token: 'Identifier' },
];

const byText = new Map(foreignSpellings.map((each) => [each.spelling, each]));

export function foreignSpelling(text: string): ForeignSpelling | undefined {
  return byText.get(text);
}

const escape = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** `!` alone only: `!=` is an operator of Hyb. */
export const Foreign = createToken({
  name: 'Foreign',
  pattern: new RegExp(
    foreignSpellings.map(({ spelling }) => (spelling === '!' ? '!(?!=)' : escape(spelling))).join('|'),
  ),
});

// What other languages put around texts and comments, or a text whose end is missing. Escapes are not looked at, so that
// a quote without an end costs one look along its line.
export const WrongQuotes = createToken({
  name: 'WrongQuotes',
  pattern: /'[^'\r\n]*'|`[^`\r\n]*`|[“”„][^“”„\r\n]*[“”]|‘[^‘’\r\n]*’/,
});
export const UnfinishedString = createToken({ name: 'UnfinishedString', pattern: /"(?:[^"\\\r\n]|\\[^\r\n])*\\?/ });
export const BlockComment = createToken({
  name: 'BlockComment',
  pattern: /\/\*[\s\S]*?\*\/|\/\*[\s\S]*/,
  line_breaks: true,
});
export const HashComment = createToken({ name: 'HashComment', pattern: /#[^\r\n]*/ });
/** Any other character, so that the lexer always has something to match. Neighbours are reported together. */
export const Unknown = createToken({ name: 'Unknown', pattern: /[$&?\\|~'`\u0080-\uFFFF]/ });
