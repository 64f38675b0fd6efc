/** The whole of training in a page: kernels, data, checkpoints in the origin's private file system. */
import { join } from 'node:path';
import { TEXT } from '../cli/test/support/training.js';
import { compileRecipe } from './support/compiled-recipe.js';
import { environments } from './support/environments.js';
import type { Trained } from './programs/train-in-page.js';

const SOURCE = `use std.{MLP, RMSNorm, relu2}
model Small {
  vocab = 257
  width = 16
  context = 64
  F = MLP(inner = 32, activation = relu2)
  norm = { pre = RMSNorm(eps = 1e-5) }
  layers = [F]
  head = { norm = RMSNorm(eps = 1e-5), tie = false }
}
train Run of Small {
  sequence = 32
  batch = 2
  steps = 6
  rate = 1e-2
  checkpoints = { every = 2 steps, keep = 2 }
  evaluation = { every = 3 steps, tokens = 60 }
}`;

test('a run in Chromium that is left and resumed', async () => {
  const { program, kernels, compiled } = compileRecipe(SOURCE);
  const environment = await environments.chromium();
  try {
    const args = { program, kernels, recipe: compiled, text: TEXT, leave: 4 };
    const { resumed, whole, entries, lines } = await environment.run<Trained>(
      join(import.meta.dirname, 'programs/train-in-page.ts'),
      { args, timeout: 300_000 },
    );
    expect(whole.map(([step]) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    // Same bits: it was left after step 4, whose checkpoint is there.
    expect(resumed).toEqual(whole);
    expect(whole[0]![1]).toBeCloseTo(Math.log(257), 1);
    expect(whole[5]![2]).toBeLessThan(whole[2]![2]!);
    expect(entries).toEqual(['step-000004', 'step-000006']);
    expect(lines).toBe(6);
  } finally {
    await environment.close();
  }
});
