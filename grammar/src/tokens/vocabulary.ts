import { createToken, Lexer, type ITokenConfig, type TokenType } from 'chevrotain';
import { tokenTable, type TokenCategory, type TokenRow } from './token-table.js';

/** Any word. Keywords are names too: the parser asks for them where they are expected, and else takes the name. */
export const Name = createToken({ name: 'Name', pattern: Lexer.NA, label: 'a name' });
/** An operator between two operands; `and`, `or` and `div` are names as well. */
export const Infix = createToken({ name: 'Infix', pattern: Lexer.NA, label: 'an operator' });
/** Stands for a part that was reported and taken out before parsing. */
export const Hole = createToken({ name: 'Hole', pattern: Lexer.NA, label: 'something that could not be read' });

export const Identifier = createToken({
  name: 'Identifier',
  pattern: /[A-Za-z_][A-Za-z0-9_]*/,
  categories: [Name],
  label: 'a name',
});

const KEYWORDS: readonly TokenCategory[] = ['declaration', 'statement', 'keyword', 'word-operator', 'constant'];
const INFIX: readonly string[] = [
  ...['Power', 'Equal', 'NotEqual', 'LessEqual', 'GreaterEqual', 'Less', 'Greater'],
  ...['Plus', 'Minus', 'Star', 'Slash', 'Percent', 'And', 'Or', 'Div'],
];

function tokenOf(row: TokenRow): TokenType {
  const keyword = KEYWORDS.includes(row.category);
  const categories = [...(keyword ? [Name] : []), ...(INFIX.includes(row.name) ? [Infix] : [])];
  const config: ITokenConfig = {
    name: row.name,
    pattern: row.pattern,
    label: row.label ?? `\`${String(row.pattern)}\``,
    categories,
    ...(keyword ? { longer_alt: Identifier } : {}),
    ...(row.category === 'comment' ? { group: 'comments' } : {}),
  };
  return createToken(config);
}

const UNLEXED: readonly TokenCategory[] = ['unit', 'type', 'format'];
const lexed = tokenTable.filter((row) => !UNLEXED.includes(row.category));
const types = new Map(lexed.map((row) => [row.name, tokenOf(row)]));

/** The token type of a row of the table. */
export function token(name: string): TokenType {
  const type = types.get(name);
  if (type === undefined) throw new Error(`There is no token ${name} in the table.`);
  return type;
}

/** Rows of a category as token types. */
export function tokensOf(category: TokenCategory): readonly TokenType[] {
  return lexed.filter((row) => row.category === category).map((row) => token(row.name));
}

/** All token types from the table, in the table's order. */
export const vocabulary: readonly TokenType[] = [...types.values()];
