/** Optimizer state in bf16, as kernels round it. */
import { round } from '../numeric/format.js';
import { randomBits } from '../numeric/random-bits.js';
import type { Values } from './update-rules.js';

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** 16 random bits below the last place of bf16 are added, and what is below it then is cut off. */
export function roundAtRandom(value: number, random: number): number {
  float[0] = value;
  word[0] = (word[0]! + (random & 0xffff)) & 0xffff0000;
  return float[0]!;
}

/**
 * Rounds a moment of a matrix in place.
 *
 * @param which 0: the first moment, 1: the second one
 * @param streams of the rows' random numbers; absent: to nearest even
 */
export function roundState(
  values: Values,
  which: number,
  columns: number,
  step: number,
  streams: ((row: number) => number) | undefined,
): void {
  for (let i = 0; i < values.length; i++) {
    const random = streams && randomBits(i % columns, step, streams(Math.floor(i / columns)));
    values[i] = random === undefined ? round(values[i]!, 'bf16') : roundAtRandom(values[i]!, random >>> (16 * which));
  }
}
