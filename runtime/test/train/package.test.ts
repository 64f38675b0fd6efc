/** What `train` of a package adds to a run. */
import { dataText, lastWeights, memoryFiles, trainModel } from '../../src/index.js';
import type { CompiledRecipe, Program } from '../../src/index.js';
import { changedRecipe } from '../../src/train/package.js';
import { runLength } from '../../src/train/run/length.js';
import { recipe } from '../support/recipe.js';

const COMPILED: CompiledRecipe = {
  ...recipe(),
  optimizer: { name: 'SGD', arguments: { momentum: 0, nesterov: false, weight_decay: 0 } },
  clip: null,
  loss: { arguments: { z: 0, smoothing: 0 } },
  parameters: [],
};

test('other values take the place of a recipe’s, and the length that was said last counts', () => {
  const steps = (changed: CompiledRecipe): number => runLength(changed, { context: 16 }).steps;
  expect(changedRecipe(COMPILED)).toEqual(COMPILED);
  expect(changedRecipe(COMPILED, { rate: 1, seed: 2 })).toEqual({ ...COMPILED, rate: 1, seed: 2 });
  // A step is 4 sequences of 16 tokens.
  expect(steps(changedRecipe(COMPILED, { tokens: { value: 640, unit: 'tokens' } }))).toBe(10);
  const { steps: _, ...inTokens } = { ...COMPILED, tokens: { value: 640, unit: 'tokens' } as const };
  expect(steps(changedRecipe(inTokens, { steps: { value: 3, unit: 'steps' } }))).toBe(3);
});

test('a tokenizer that the recipe names has to be given', async () => {
  const named = { ...COMPILED, tokenizer: 'tokenizer.json' };
  const run = trainModel({} as Program, {}, named, { data: [dataText('x')] });
  await expect(run.next()).rejects.toMatchObject({
    code: 'bad-recipe',
    message: expect.stringContaining('`loadDataTokenizer`') as string,
  });
});

test('a folder without a checkpoint has no weights', async () => {
  await expect(lastWeights(memoryFiles())).rejects.toMatchObject({ code: 'bad-run' });
});
