/**
 * The rules of highlighting, made from the token table: the first that matches at a place gives the scope. The TextMate
 * grammar is a print of them and CodeMirror runs them as they are, so that editors and docs agree.
 */
import { foreignSpellings } from '../tokens/foreign.js';
import { tokenTable, wordsOf } from '../tokens/token-table.js';
import type { TokenRow } from '../tokens/token-table.js';
import { contextOf, parameterTypes, typeContext, UNIT_AFTER, wordRows } from './contexts.js';

/** Scopes of what the table has no rows for. */
export const SCOPES = {
  call: 'entity.name.function',
  capitalised: 'entity.name.type',
  property: 'variable.other.property',
  variable: 'variable.other',
  escape: 'constant.character.escape',
  placeholder: 'constant.other.placeholder',
  foreign: 'invalid.illegal.foreign',
  quotes: 'invalid.illegal.quotes',
} as const;

export interface Rule {
  readonly name: string;
  /** A regular expression in the common part of the dialects of Oniguruma and JavaScript; never matches a line break. */
  readonly match: string;
  /** Scope of the match, or of each of its groups, without `.hyb` at the end. */
  readonly scope: string | readonly string[];
  /** What stands inside the match. */
  readonly inside?: readonly Rule[];
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
const source = ({ pattern }: TokenRow): string => (typeof pattern === 'string' ? escape(pattern) : pattern.source);
const row = (name: string): TokenRow => tokenTable.find((each) => each.name === name)!;
const rule = (each: TokenRow): Rule => ({ name: each.name, match: source(each), scope: each.scope });

/** The lexer's patterns say that a token stays on its line; a line is all that highlighters see. */
const onOneLine = (pattern: string): string => pattern.replaceAll(String.raw`\r\n`, '');

const comments: readonly Rule[] = tokenTable
  .filter(({ category }) => category === 'comment')
  .map((each) => ({ ...rule(each), match: source(each).replace(String.raw`[^\r\n]*`, '.*') }));

const string = row('String');
const strings: readonly Rule[] = [
  {
    name: 'String',
    // A string without its end goes on to the end of the line, as in the lexer.
    match: String.raw`"(?:[^"\\]|\\.)*(?:"|\\?$)`,
    scope: string.scope,
    inside: [
      { name: 'Escape', match: String.raw`\\(?:u\{[0-9A-Fa-f]{1,6}\}|["\\nt])`, scope: SCOPES.escape },
      { name: 'Placeholder', match: String.raw`\{(?:layer|nth)\}`, scope: SCOPES.placeholder },
    ],
  },
  { name: 'WrongQuotes', match: "'[^']*'|`[^`]*`", scope: SCOPES.quotes },
];

const number = row('Number');
const unit = tokenTable.find(({ category }) => category === 'unit')!;
const numbers: readonly Rule[] = [
  {
    name: 'Quantity',
    match: String.raw`(${onOneLine(source(number))})(\s*)(${wordsOf('unit').join('|')})\b${UNIT_AFTER}`,
    scope: [number.scope, '', unit.scope],
  },
  { name: 'Number', match: source(number), scope: number.scope },
];

/** A member's name is a name whatever it is spelt like. */
const members: Rule = {
  name: 'Member',
  match: String.raw`(?<=[\w)\]}" ]\.)[A-Za-z_]\w*(?!\w|\s*\()`,
  scope: SCOPES.property,
};

const words: readonly Rule[] = wordRows.flatMap((each): Rule[] => {
  const context = contextOf(each);
  if (context === undefined) return [];
  const match = String.raw`${context.before ?? ''}\b${String(each.pattern)}\b${context.after}`;
  return [{ name: each.name, match, scope: each.scope }];
});

const types: Rule = {
  name: 'ParameterType',
  match: String.raw`${typeContext.before!}\b(?:${parameterTypes.join('|')})\b${typeContext.after}`,
  scope: row('Int').scope,
};

const names: readonly Rule[] = [
  { name: 'Property', match: String.raw`[A-Za-z_]\w*(?=\s*=(?!=))`, scope: SCOPES.property },
  { name: 'Capitalised', match: String.raw`[A-Z]\w*`, scope: SCOPES.capitalised },
  { name: 'Call', match: String.raw`[a-z_]\w*(?=\s*\()`, scope: SCOPES.call },
  { name: 'Variable', match: String.raw`[a-z_]\w*`, scope: SCOPES.variable },
];

const foreign: Rule = {
  name: 'Foreign',
  match: foreignSpellings
    .filter(({ spelling }) => !/^\w/.test(spelling))
    .map(({ spelling }) => (spelling === '!' ? '!(?!=)' : escape(spelling)))
    .join('|'),
  scope: SCOPES.foreign,
};

const signs: readonly Rule[] = tokenTable
  .filter(({ category }) => category === 'operator' || category === 'punctuation')
  .map(rule);

export const rules: readonly Rule[] = [
  ...comments,
  ...strings,
  ...numbers,
  members,
  types,
  ...words,
  ...names,
  foreign,
  ...signs,
];
