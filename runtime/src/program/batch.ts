import type { Tokens } from '../model/types.js';
import type { SizeValues } from './size.js';

/** Tokens of one sequence in a call. */
export interface BatchEntry {
  /** Slot of the sequence in the state's buffers. */
  readonly slot: number;
  /** Position of the first token. */
  readonly position: number;
  readonly tokens: Tokens;
  /** For which of its tokens logits are wanted. */
  readonly rows: 'none' | 'last' | 'all';
}

export const TILE_SIZES = [16, 32, 64, 128] as const;
export type BatchTable = 'tokens' | 'sequences' | 'rows' | `tiles${(typeof TILE_SIZES)[number]}`;
export const BATCH_TABLES: readonly BatchTable[] = [
  'tokens',
  'sequences',
  'rows',
  'tiles16',
  'tiles32',
  'tiles64',
  'tiles128',
];

/** Words of an entry of each table. */
export const TABLE_WORDS: Readonly<Record<BatchTable, number>> = {
  tokens: 4,
  sequences: 4,
  rows: 1,
  tiles16: 4,
  tiles32: 4,
  tiles64: 4,
  tiles128: 4,
};

export interface StateShape {
  readonly slots: number;
  readonly capacity: number;
}

/** Rows of the sampler's ring: most decode steps between two readbacks. */
export const WINDOW = 32;

/**
 * The bound on positions that calls go by: few different ones, so that decode steps can be repeated as they are. It
 * depends on the number of positions alone, so that a step computes the same however it came about.
 */
export function contextBound(positions: number): number {
  if (positions <= 64) return 64;
  if (positions <= 128) return 128;
  return Math.ceil(positions / 256) * 256;
}

/** Sizes of a call. `context`: bound to use if larger than the entries' own. */
export function sizesOf(entries: readonly BatchEntry[], state: StateShape, context = 0): SizeValues {
  let tokens = 0;
  let rows = 0;
  let positions = context;
  const tiles = [0, 0, 0, 0];
  for (const {
    tokens: { length },
    position,
    rows: wanted,
  } of entries) {
    tokens += length;
    rows += wanted === 'all' ? length : wanted === 'last' ? 1 : 0;
    positions = Math.max(positions, position + length);
    TILE_SIZES.forEach((size, i) => (tiles[i]! += Math.ceil(length / size)));
  }
  return {
    tokens,
    sequences: entries.length,
    rows,
    tiles16: tiles[0]!,
    tiles32: tiles[1]!,
    tiles64: tiles[2]!,
    tiles128: tiles[3]!,
    context: contextBound(positions),
    window: WINDOW,
    ...state,
  };
}

/** The largest sizes that any call of so many tokens and sequences has. */
export function worstSizes(tokens: number, sequences: number, rows: number, state: StateShape): SizeValues {
  const most = Math.min(tokens, sequences);
  const tiles = (size: number): number => Math.floor((tokens - most) / size) + most;
  return {
    tokens,
    sequences: most,
    rows,
    tiles16: tiles(16),
    tiles32: tiles(32),
    tiles64: tiles(64),
    tiles128: tiles(128),
    context: contextBound(state.capacity),
    window: WINDOW,
    ...state,
  };
}

/** Contents of a batch table, as `Operand` describes them. */
export function tableOf(table: BatchTable, entries: readonly BatchEntry[]): Uint32Array<ArrayBuffer> {
  const words: number[] = [];
  let flat = 0;
  entries.forEach(({ slot, position, tokens, rows }, sequence) => {
    const { length } = tokens;
    switch (table) {
      case 'tokens':
        for (let i = 0; i < length; i++) words.push(tokens[i]!, sequence, position + i, slot);
        break;
      case 'sequences':
        words.push(slot, flat, length, position);
        break;
      case 'rows':
        if (rows === 'last') words.push(flat + length - 1);
        else if (rows === 'all') for (let i = 0; i < length; i++) words.push(flat + i);
        break;
      default: {
        const size = Number(table.slice(5));
        for (let i = 0, tile = 0; i < length; i += size, tile++) {
          words.push(sequence, flat + i, Math.min(size, length - i), tile);
        }
      }
    }
    flat += length;
  });
  return new Uint32Array(words);
}
