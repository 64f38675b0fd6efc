/** Random numbers that round the optimizer's state: which stream a row of a parameter has. */
import { hash32 } from './random.js';

/**
 * Of the rows of a parameter, from its name and the run's seed, so that neither the layout on the device nor the other parameters
 * matter.
 */
export function roundingStreams(seed: number, parameter: string): (row: number) => number {
  const own = hash32(seed, ...new TextEncoder().encode(parameter));
  return (row) => hash32(own, row);
}
