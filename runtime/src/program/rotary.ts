import type { TableSpec } from './program.js';

const LOW = 256;

/** Rows of a rotary table for so many positions: one for each low byte, then one for each multiple of 256. */
export function rotaryRows(capacity: number): number {
  return LOW + Math.ceil(capacity / LOW);
}

/**
 * Rows `from` … `to` of a rotary table, [rows, n, 2]: cos and sin of position * frequency, computed in f64 (an f32 angle
 * would be off by 4e-3 at position 100,000).
 */
export function rotaryTable({ frequencies }: TableSpec, from: number, to: number): Float32Array<ArrayBuffer> {
  const n = frequencies.length;
  const values = new Float32Array((to - from) * n * 2);
  for (let row = from, at = 0; row < to; row++) {
    const position = row < LOW ? row : (row - LOW) * LOW;
    for (const frequency of frequencies) {
      const angle = position * frequency;
      values[at++] = Math.cos(angle);
      values[at++] = Math.sin(angle);
    }
  }
  return values;
}
