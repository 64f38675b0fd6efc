/**
 * Sampling a token per sequence, and feeding it to the next decode step. Four kernels:
 *
 * 1. `scores`: per slice of the vocabulary, scores after penalty and temperature: their maximum and mass, and where top-k or
 *    top-p is set, sorted.
 * 2. `threshold`: per sequence, the smallest score that passes all filters, by bisection on the bits of floats: counts and
 *    masses above a score come from the sorted slices.
 * 3. `race`: per slice, the token of the largest score + Gumbel noise (Gumbel 1954: distributed as the softmax) among those
 *    that pass; without noise where temperature is 0.
 * 4. `finish`: per sequence, the winner of all slices; it goes to the tables that the next step reads.
 */
import type { KernelCall } from '../call.js';
import { finishSample } from './finish.js';
import { race } from './race.js';
import { sliceScores } from './scores.js';
import { threshold } from './threshold.js';

export function lowerSample(vocab: number): readonly KernelCall[] {
  return [sliceScores(vocab), threshold(vocab), race(vocab), finishSample(vocab)];
}
