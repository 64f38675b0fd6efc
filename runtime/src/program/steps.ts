import type { Stage, Step } from './program.js';

/** All steps of a stage. */
export function stepsOf({ prepare = [], prefill, decode }: Stage): readonly Step[] {
  return [...prepare, ...prefill, ...decode];
}
