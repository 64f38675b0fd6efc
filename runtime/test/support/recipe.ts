import type { TrainingRecipe } from '../../src/train/recipe.js';

/** A recipe with the language's defaults. */
export function recipe(fields: Partial<TrainingRecipe> = {}): TrainingRecipe {
  return {
    sequence: { value: 16, unit: 'tokens' },
    batch: { value: 4, unit: 'sequences' },
    steps: { value: 20, unit: 'steps' },
    rate: 0.05,
    optimizer: { name: 'AdamW', arguments: { betas: [0.9, 0.95], eps: 1e-8, weight_decay: 0 } },
    schedule: { name: 'constant', arguments: {} },
    warmup: { value: 0, unit: 'steps' },
    loss_scale: 1,
    seed: 7,
    identity: { model: 'Bigrams', precision: 'f32' },
    checkpoints: { every: { value: 5, unit: 'steps' }, keep: 2 },
    faults: { not_finite: { name: 'stop', arguments: {} }, spike: null, spike_factor: 2 },
    ...fields,
  };
}
