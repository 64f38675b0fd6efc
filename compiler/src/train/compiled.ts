import type { CompiledRecipe } from '@hyb/runtime';
import { recipeIdentity } from './identity.js';
import { trainedParameters } from './parameters.js';
import type { TrainRecipe } from './resolve-train.js';

/** A recipe as the runtime takes it: plain data, without places in the source. */
export function compiledRecipe(recipe: TrainRecipe & Required<Pick<TrainRecipe, 'model'>>): CompiledRecipe {
  const { model: _, span: _span, precision: _precision, init: _init, rates: _rates, decay: _decay, ...fields } = recipe;
  const parameters = trainedParameters(recipe).map(({ path, init, rate, decay, rule }) => ({
    path,
    init,
    rate,
    decay,
    rule,
  }));
  return { ...fields, identity: recipeIdentity(recipe), parameters };
}
