/** The tables of a batch, as the runtime makes them. */
import type { SizeValues } from '@hyb/runtime';

export interface Sequence {
  readonly slot: number;
  /** Tokens in this call. */
  readonly count: number;
  /** Position of the first of them. */
  readonly position: number;
}

export interface Batch {
  readonly sequences: readonly Sequence[];
  readonly sizes: SizeValues;
  readonly tables: Readonly<
    Record<'tokens' | 'sequences' | 'rows' | 'tiles16' | 'tiles32' | 'tiles64' | 'tiles128', Uint32Array>
  >;
}

export function makeBatch(sequences: readonly Sequence[], state: { slots: number; capacity: number }): Batch {
  const tokens: number[] = [];
  const entries: number[] = [];
  const tiles: Record<16 | 32 | 64 | 128, number[]> = { 16: [], 32: [], 64: [], 128: [] };
  let first = 0;
  sequences.forEach(({ slot, count, position }, s) => {
    entries.push(slot, first, count, position);
    for (let t = 0; t < count; t++) tokens.push(0, s, position + t, slot);
    for (const size of [16, 32, 64, 128] as const) {
      for (let t = 0; t < count; t += size) tiles[size].push(s, first + t, Math.min(size, count - t), t / size);
    }
    first += count;
  });
  const rows = sequences.flatMap((_, s) =>
    entries[4 * s + 2]! > 0 ? [entries[4 * s + 1]! + entries[4 * s + 2]! - 1] : [],
  );
  return {
    sequences,
    sizes: {
      tokens: first,
      sequences: sequences.length,
      rows: rows.length,
      tiles16: tiles[16].length / 4,
      tiles32: tiles[32].length / 4,
      tiles64: tiles[64].length / 4,
      tiles128: tiles[128].length / 4,
      // A bound, as the runtime gives it.
      context: Math.ceil((Math.max(0, ...sequences.map((s) => s.position + s.count)) + 1) / 7) * 7,
      capacity: state.capacity,
      slots: state.slots,
      window: 8,
    },
    tables: {
      tokens: Uint32Array.from(tokens),
      sequences: Uint32Array.from(entries),
      rows: Uint32Array.from(rows),
      tiles16: Uint32Array.from(tiles[16]),
      tiles32: Uint32Array.from(tiles[32]),
      tiles64: Uint32Array.from(tiles[64]),
      tiles128: Uint32Array.from(tiles[128]),
    },
  };
}
