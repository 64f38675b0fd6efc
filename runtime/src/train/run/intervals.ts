/** What happens every so often: evaluation, checkpoints, probes. */
import type { Interval } from '../recipe.js';
import { inSteps } from './length.js';
import type { RunLength } from './length.js';

export interface Clock {
  /** Whether it is due after a step; then the time starts again. */
  due(step: number): boolean;
}

/** Steps and tokens are counted from the start of the run, so that a resumed run keeps to them; seconds from now. */
export function clock(
  interval: Interval | undefined,
  length: Pick<RunLength, 'tokensPerStep'>,
  now: () => number,
): Clock {
  if (interval === undefined) return { due: () => false };
  if (interval.unit === 'seconds') {
    let last = now();
    return {
      due: () => {
        if (now() - last < 1000 * interval.value) return false;
        last = now();
        return true;
      },
    };
  }
  const { value, unit } = interval;
  const every = Math.max(1, Math.round(inSteps({ value, unit }, length.tokensPerStep)));
  return { due: (step) => step % every === 0 };
}
