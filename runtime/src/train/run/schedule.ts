/** The learning rate over a run. */
import type { Schedule, TrainingRecipe } from '../recipe.js';
import { inSteps, stepOf } from './length.js';
import type { RunLength } from './length.js';

/** Looked up once for the inner loops. */
const { PI, cos, max, min, sqrt } = Math;

type Length = Pick<RunLength, 'steps' | 'tokensPerStep'>;

/**
 * The rate of a step, counted from 1: it rises to the peak over the warm-up, reached with the warm-up's last step, and
 * then follows the schedule, whose end is the run's last step.
 */
export function learningRate(
  { rate, schedule, warmup }: Pick<TrainingRecipe, 'rate' | 'schedule' | 'warmup'>,
  length: Length,
  step: number,
): number {
  const warm = inSteps(warmup, length.tokensPerStep);
  if (step < warm) return (rate * step) / warm;
  return rate * share(schedule, warm, length, step);
}

/** Of the peak, from 1 to the floor. */
function share(schedule: Schedule, warm: number, length: Length, step: number): number {
  const { steps } = length;
  switch (schedule.name) {
    case 'constant':
      return 1;
    case 'cosine':
      return above(schedule.arguments.floor, halfCosine(progress(step, warm, steps)));
    case 'linear':
      return above(schedule.arguments.floor, 1 - progress(step, warm, steps));
    case 'wsd': {
      const { decay, floor, shape } = schedule.arguments;
      const done = progress(step, max(warm, steps - stepOf(decay, length)), steps);
      switch (shape.name) {
        case 'linear':
          return above(floor, 1 - done);
        case 'cosine':
          return above(floor, halfCosine(done));
        case 'sqrt':
          return above(floor, 1 - sqrt(done));
      }
    }
  }
}

function progress(step: number, from: number, to: number): number {
  return to <= from ? (step >= to ? 1 : 0) : min(1, max(0, (step - from) / (to - from)));
}

function halfCosine(done: number): number {
  return 0.5 * (1 + cos(PI * done));
}

function above(floor: number, height: number): number {
  return floor + (1 - floor) * height;
}
