/** The npm package of a model, loaded once somebody asks for one: what writes it is as large as the compiler. */
import { compiledRecipe, planModel, version } from '@hyb/compiler';
import type { Plan } from '@hyb/compiler';
import { emit } from '@hyb/compiler/emit/emit';
import { checkpointLayout, ownSources } from '@hyb/compiler/interop/checkpoint-layout';
import { findRecipe, trainedModel } from './recipes.js';
import type { SourceOf } from './recipes.js';

type Files = Readonly<Record<string, string>>;

export async function inferencePackage({ checked }: SourceOf, plan: Plan): Promise<Files> {
  return Object.fromEntries(await emit(plan, { runtimeVersion: version, sources: ownSources(checked) }));
}

/** One that trains too, by the recipe as it is written, whatever a tab would make of it. */
export async function trainingPackage(
  source: SourceOf,
  options: { readonly model: string; readonly recipe: string },
): Promise<Files> {
  const { recipe } = findRecipe(source, options);
  const trained = trainedModel(recipe);
  const plan = planModel(trained, { training: true, probes: recipe.probes !== undefined });
  const training = { recipe: compiledRecipe(recipe), files: checkpointLayout(source.checked, trained).files };
  const sources = ownSources(source.checked);
  return Object.fromEntries(await emit(plan, { runtimeVersion: version, sources, training }));
}
