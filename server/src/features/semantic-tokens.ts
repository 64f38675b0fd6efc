/** Colours that a line by itself cannot tell: what names stand for, and words that are keywords only here or there. */
import type { EntityKind } from '@hyb/compiler/query/names/entity';
import { isLibraryPath } from '@hyb/compiler/sources/library';
import { tokenRoles } from '@hyb/grammar/highlight/roles';
import { tokenTable } from '@hyb/grammar/tokens/token-table';
import type { Place } from '../workspace/workspace.js';

/** Types of tokens; the first are the protocol's own, which every theme knows. */
export const TOKEN_TYPES = [
  ...[
    'class',
    'interface',
    'function',
    'parameter',
    'variable',
    'property',
    'enumMember',
    'type',
    'keyword',
    'namespace',
  ],
  ...['dimension', 'weight', 'slot', 'layer', 'format'],
] as const;
export type TokenType = string;

export const TOKEN_MODIFIERS = ['declaration', 'readonly', 'defaultLibrary', 'modification'] as const;

const TYPES: Readonly<Record<EntityKind, TokenType>> = {
  model: 'class',
  recipe: 'class',
  block: 'class',
  norm: 'interface',
  function: 'function',
  weights: 'class',
  alias: 'layer',
  constant: 'variable',
  field: 'property',
  parameter: 'parameter',
  input: 'variable',
  dimension: 'dimension',
  param: 'weight',
  slot: 'slot',
  value: 'variable',
  state: 'variable',
  index: 'variable',
  builtin: 'function',
  module: 'function',
  initializer: 'function',
  option: 'property',
  choice: 'enumMember',
  attribute: 'keyword',
  type: 'type',
  role: 'property',
  selector: 'property',
  format: 'format',
  part: 'property',
  unit: 'keyword',
  library: 'namespace',
};

const READONLY: ReadonlySet<EntityKind> = new Set(['parameter', 'dimension', 'constant', 'index']);
/** What the grammar colours well enough by itself. */
const UNTOLD: ReadonlySet<EntityKind> = new Set(['unit']);

export interface SemanticToken {
  readonly start: number;
  readonly end: number;
  readonly type: TokenType;
  readonly modifiers: readonly (typeof TOKEN_MODIFIERS)[number][];
}

export function semanticTokens(place: Place): readonly SemanticToken[] {
  const { text, syntax } = place.file;
  const tokens: SemanticToken[] = [];
  const named = new Set<number>();
  for (const { span, access, entities } of place.names.uses) {
    const [entity] = entities;
    if (entity === undefined || UNTOLD.has(entity.kind)) continue;
    // A path may speak of several things of one kind.
    if (named.has(span.start)) continue;
    named.add(span.start);
    const { kind } = entity;
    const home = (entity.target ?? entity).place;
    tokens.push({
      start: span.start,
      end: span.end,
      type: TYPES[kind],
      modifiers: [
        ...(access === 'definition' ? (['declaration'] as const) : []),
        ...(READONLY.has(kind) ? (['readonly'] as const) : []),
        ...(home === undefined || isLibraryPath(home.file) ? (['defaultLibrary'] as const) : []),
        ...(access === 'write' ? (['modification'] as const) : []),
      ],
    });
  }
  for (const { start, end, image, role } of tokenRoles(text, syntax)) {
    if (named.has(start) || !WORDS.has(image) || role.kind !== 'row') continue;
    tokens.push({ start, end, type: 'keyword', modifiers: [] });
  }
  return tokens.sort((a, b) => a.start - b.start);
}

const KEYWORDS: readonly string[] = ['declaration', 'statement', 'keyword', 'word-operator'];
const WORDS = new Set(
  tokenTable.filter(({ category }) => KEYWORDS.includes(category)).map(({ pattern }) => String(pattern)),
);

/** In the protocol's form: five numbers a token, places relative to the token before. */
export function encodeTokens(place: Place, tokens: readonly SemanticToken[]): number[] {
  const data: number[] = [];
  let [line, character] = [0, 0];
  for (const { start, end, type, modifiers } of tokens) {
    const at = place.rangeOf({ start, end });
    const isSameLine = at.start.line === line;
    data.push(
      at.start.line - line,
      isSameLine ? at.start.character - character : at.start.character,
      end - start,
      (TOKEN_TYPES as readonly string[]).indexOf(type),
      modifiers.reduce((bits, each) => bits | (1 << TOKEN_MODIFIERS.indexOf(each)), 0),
    );
    ({ line, character } = at.start);
  }
  return data;
}
