/** Reading the tables of a call's batch; their layouts are in the runtime's `program.ts`. */
import * as e from '../kernel/expressions.js';
import type { Expression } from '../kernel/ir.js';
import type { KernelScope } from './scope.js';

export interface TokenEntry {
  readonly sequence: Expression;
  readonly position: Expression;
  readonly slot: Expression;
}

export interface SequenceEntry {
  readonly slot: Expression;
  readonly first: Expression;
  readonly count: Expression;
  /** Position of the first token: 0 if the sequence starts with this call. */
  readonly position: Expression;
}

export interface TileEntry {
  readonly sequence: Expression;
  readonly first: Expression;
  readonly count: Expression;
  /** Index of the tile in its sequence. */
  readonly index: Expression;
}

/** Tokens per tile for which the runtime makes tables. */
export type TileSize = 16 | 32 | 64 | 128;

export function readToken(scope: KernelScope, token: Expression): TokenEntry {
  const table = scope.bind(
    'tokens',
    { kind: 'batch', table: 'tokens' },
    'vec4u',
    'read',
    'per token: id, sequence, position, slot',
  );
  const entry = scope.builder.let('entry', table.at(token));
  return { sequence: e.component(entry, 1), position: e.component(entry, 2), slot: e.component(entry, 3) };
}

export function readSequence(scope: KernelScope, index: Expression): SequenceEntry {
  const table = scope.bind(
    'sequences',
    { kind: 'batch', table: 'sequences' },
    'vec4u',
    'read',
    'per sequence: slot, first token, tokens, position',
  );
  const entry = scope.builder.let('sequence', table.at(index));
  return {
    slot: e.component(entry, 0),
    first: e.component(entry, 1),
    count: e.component(entry, 2),
    position: e.component(entry, 3),
  };
}

/** Tiles of one sequence follow one another in the table. */
export function readTile(scope: KernelScope, size: TileSize, index: Expression): TileEntry {
  const table = scope.bind(
    'tiles',
    { kind: 'batch', table: `tiles${size}` },
    'vec4u',
    'read',
    'per tile: sequence, first token, tokens, index in the sequence',
  );
  const entry = scope.builder.let('tile', table.at(index));
  return {
    sequence: e.component(entry, 0),
    first: e.component(entry, 1),
    count: e.component(entry, 2),
    index: e.component(entry, 3),
  };
}
