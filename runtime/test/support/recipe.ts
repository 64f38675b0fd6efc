import type { TrainingRecipe } from '../../src/train/recipe.js';

/** A recipe with the language's defaults. */
export function recipe(fields: Partial<TrainingRecipe> = {}): TrainingRecipe {
  return {
    sequence: { value: 16, unit: 'tokens' },
    batch: { value: 4, unit: 'sequences' },
    steps: { value: 20, unit: 'steps' },
    rate: 0.05,
    schedule: { name: 'constant', arguments: {} },
    warmup: { value: 0, unit: 'steps' },
    loss_scale: 1,
    seed: 7,
    checkpoints: { every: { value: 5, unit: 'steps' }, keep: 2 },
    faults: { not_finite: { name: 'stop', arguments: {} }, spike: null, spike_factor: 2 },
    ...fields,
  };
}
