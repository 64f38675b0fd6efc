import type { Program } from '../program/program.js';
import { chunkSizes, levelsOf, operationsOf, partSizes } from './memory-plan.js';

/**
 * Operations of a training step for each of its tokens, forwards and backwards, without what is computed again to save
 * memory and without the update: what a step is there for.
 *
 * @param program with a training part
 * @param part tokens and sequences that are computed at once
 */
export function operationsPerToken(
  program: Program,
  part: { readonly tokens: number; readonly sequences: number },
): number {
  const values = partSizes(part.tokens, part.sequences);
  const layers = program.schedule.slice(0, -1).flatMap((_, i) => {
    const { forward, backward } = levelsOf(program, i).at(-1)!;
    return [...forward, ...backward];
  });
  const head = operationsOf(program.training!.head.steps, chunkSizes(part.tokens));
  return (operationsOf(layers, values) + head) / part.tokens;
}
