/**
 * What every token of a file is, as the lexer and the parser read it. Highlighters that see one line at a time are
 * compared with this, and the language server colours by it where they cannot tell.
 */
import type { AstNode } from '../ast/walk.js';
import { walk } from '../ast/walk.js';
import type { SourceFile } from '../ast/ast.js';
import { Findings } from '../parser/findings.js';
import { lex } from '../parser/lex.js';
import { parse } from '../parser/parse.js';
import { endOf } from '../parser/token.js';
import { tokenTable, wordsOf } from '../tokens/token-table.js';
import type { TokenRow } from '../tokens/token-table.js';
import { parameterTypes } from './contexts.js';

/** `row`: what the table says; `name`: a word that stands for something. */
export type TokenRole =
  | { readonly kind: 'row'; readonly row: TokenRow }
  | { readonly kind: 'name' }
  /** A word in place of a type or format, such as `int` and `bf16`. */
  | { readonly kind: 'type' }
  | { readonly kind: 'format' }
  | { readonly kind: 'unit' }
  /** After a `.`. */
  | { readonly kind: 'member' };

export interface RoleToken {
  readonly start: number;
  readonly end: number;
  readonly image: string;
  readonly role: TokenRole;
}

const rowsByName = new Map(tokenTable.map((row) => [row.name, row]));
const formats = wordsOf('format');
const word = /^\w+$/;

/** All tokens and comments in order. Parts that were not read are as the lexer has them. */
export function tokenRoles(text: string, file: SourceFile = parse(text, '').file): readonly RoleToken[] {
  const roles = new Map<number, TokenRole>();
  walk(file, { enter: (node, ancestors) => noteRole(node, ancestors.at(-1), roles) });
  const { tokens, comments } = lex(text, '', new Findings());
  const all = [
    ...tokens.map((each) => ({
      start: each.startOffset,
      end: endOf(each),
      image: each.image,
      type: each.tokenType.name,
    })),
    ...comments.map(({ span: { start, end }, doc }) => ({
      start,
      end,
      image: text.slice(start, end),
      type: doc ? 'DocComment' : 'Comment',
    })),
  ].sort((a, b) => a.start - b.start);
  return all.map(({ start, end, image, type }, index): RoleToken => {
    const row = rowsByName.get(type);
    const known = word.test(image) ? roles.get(start) : undefined;
    const role = known ?? (row === undefined ? ({ kind: 'name' } as const) : ({ kind: 'row', row } as const));
    return { start, end, image, role: role.kind === 'name' ? nameRole(image, all[index - 1]?.image) : role };
  });
}

/** Words of the checker are told from other names by the sign before them. */
function nameRole(image: string, before: string | undefined): TokenRole {
  if (before === '.') return { kind: 'member' };
  if (before === '=' && formats.includes(image)) return { kind: 'format' };
  return { kind: 'name' };
}

function noteRole(node: AstNode, parent: AstNode | undefined, roles: Map<number, TokenRole>): void {
  if (node.kind !== 'Name') return;
  const isType = parent?.kind === 'Parameter' && parent.type === node && parameterTypes.includes(node.text);
  roles.set(node.span.start, { kind: parent?.kind === 'NumberLiteral' ? 'unit' : isType ? 'type' : 'name' });
}
