import type { Model, PrecisionRule } from '../model/model.js';
import type { TrainRecipe } from './resolve-train.js';

/** The model as a recipe trains it: the recipe's precision rules stand over the model's. */
export function trainingModel({
  model,
  precision,
  fp8_scale,
}: Pick<TrainRecipe, 'precision' | 'fp8_scale'> & Required<Pick<TrainRecipe, 'model'>>): Model {
  const said = new Set(precision.map(placeOf));
  return {
    ...model,
    precision: [...model.precision.filter((rule) => !said.has(placeOf(rule))), ...precision],
    ...(typeof fp8_scale === 'number' && { fp8Scale: fp8_scale }),
  };
}

function placeOf({ role, selector }: PrecisionRule): string {
  return JSON.stringify([role, selector ?? null]);
}
