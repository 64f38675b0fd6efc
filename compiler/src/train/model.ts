import type { Model, PrecisionRule } from '../model/model.js';
import type { TrainRecipe } from './resolve-train.js';

/** The model as a recipe trains it: the recipe's precision rules stand over the model's. */
export function trainingModel({
  model,
  precision,
}: Pick<TrainRecipe, 'precision'> & Required<Pick<TrainRecipe, 'model'>>): Model {
  const said = new Set(precision.map(placeOf));
  return { ...model, precision: [...model.precision.filter((rule) => !said.has(placeOf(rule))), ...precision] };
}

function placeOf({ role, selector }: PrecisionRule): string {
  return JSON.stringify([role, selector ?? null]);
}
