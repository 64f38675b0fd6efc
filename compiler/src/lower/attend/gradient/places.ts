/** Tiles of queries and of keys in their sequence, and who sees whom. */
import * as e from '../../../kernel/expressions.js';
import type { Expression } from '../../../kernel/ir.js';
import { readTile } from '../../batch.js';
import type { KernelScope } from '../../scope.js';
import { firstSeen } from '../shape.js';
import type { KeyRows, QueryRows, RowPart } from './rows.js';
import { TILE } from './tile.js';
import type { RowOf, TileRows } from './tile.js';

/** A tile of tokens of one sequence; positions count from the sequence's start. */
export interface Place {
  readonly position: Expression;
  readonly count: Expression;
  /** Token of the sequence's start. */
  readonly start: Expression;
}

/** The workgroup's own tile. */
export function ownTile(scope: KernelScope): Place & { readonly sequence: Expression } {
  const { builder } = scope;
  const tile = readTile(scope, TILE, e.builtin('workgroup_y'));
  const position = builder.let('own_position', e.mul(tile.index, TILE));
  const start = builder.let('sequence_start', e.sub(tile.first, position));
  return { position, count: tile.count, start, sequence: tile.sequence };
}

/** Rows of a tile; those past its end repeat its last one. */
export function rowsOf(
  rows: QueryRows | KeyRows,
  { position, count, start }: Place,
  head: Expression,
): (part: RowPart) => TileRows {
  const row: RowOf = (index) => rows.row(e.sum(start, position, e.min(index, e.sub(count, 1))), head);
  return (part) => ({ part, row });
}

/** Positions of keys that a tile of queries sees, from the start of a tile of keys on. */
export function keysOf(scope: KernelScope, queries: Place, window: number | undefined) {
  const { builder } = scope;
  const first = builder.let('first_seen', firstSeen(queries.position, window));
  return {
    from: window === undefined ? e.u32(0) : builder.let('key_start', e.mul(e.div(first, TILE), TILE)),
    end: builder.let('key_end', e.add(queries.position, queries.count)),
  };
}

/** Positions of queries that see any key of a tile; `end` is the sequence's. */
export function queriesOf(scope: KernelScope, keys: Place, end: Expression, window: number | undefined) {
  const last = e.sum(keys.position, keys.count, (window ?? 0) - (window === undefined ? 0 : 1));
  return {
    from: keys.position,
    end: window === undefined ? end : scope.builder.let('query_end', e.min(end, last)),
  };
}

/** The tile of up to 32 positions from `position` on, before `end`. */
export function tileFrom(scope: KernelScope, position: Expression, end: Expression, start: Expression): Place {
  return { position, count: scope.builder.let('count', e.min(e.sub(end, position), TILE)), start };
}

/** Positions that a row of the left tile has to do with: `span` from `first` on; none past the tile's end. */
export interface Sight {
  readonly first: Expression;
  readonly span: Expression;
}

/** Keys that the query at index `q` of its tile sees. */
export function sightOfQuery(scope: KernelScope, queries: Place, q: Expression, window: number | undefined): Sight {
  const { builder } = scope;
  const position = builder.let('position', e.add(queries.position, q));
  const first = window === undefined ? e.u32(0) : builder.let('first', firstSeen(position, window));
  const span = e.select(e.lt(q, queries.count), e.sub(e.add(position, 1), first), e.u32(0));
  return { first, span: builder.let('span', span) };
}

/** Queries before `end`, the end of the sequence, that see the key at index `k` of its tile. */
export function sightOfKey(
  scope: KernelScope,
  keys: Place,
  k: Expression,
  end: Expression,
  window: number | undefined,
): Sight {
  const { builder } = scope;
  const first = builder.let('first', e.add(keys.position, k));
  const rest = e.sub(e.max(end, first), first);
  const span = e.select(e.lt(k, keys.count), window === undefined ? rest : e.min(rest, window), e.u32(0));
  return { first, span: builder.let('span', span) };
}

/**
 * Whether the position of the right tile is in sight. One comparison, since what lies before wraps around: software adapters
 * compile branches for every `&&`.
 */
export function inSight({ first, span }: Sight, position: Expression): Expression {
  return e.lt(e.sub(position, first), span);
}
