/** Recipes of the source, and one for models that have none. */
import { check, checkModel, compiledRecipe, parameterCount, planModel, printWgsl, trainingModel } from '@hyb/compiler';
import type { Checked, CheckedModel, Model, SourceHost, TrainRecipe } from '@hyb/compiler';
import { defaultRecipe } from '../train/default-recipe.js';
import { checkParameters, tabRecipe } from '../train/limits.js';
import type { TabRecipe } from '../train/limits.js';
import type { RecipeOptions, ShownRecipe, Trainable } from './protocol.js';

export type ModelRecipe = TrainRecipe & { readonly model: Model };

export interface SourceOf {
  readonly path: string;
  readonly host: SourceHost;
  readonly checked: Checked;
}

/** Names of recipes by the name of their model. */
export function recipeNames({ trains }: Checked): Readonly<Record<string, readonly string[]>> {
  const names: Record<string, string[]> = {};
  for (const { name, model } of trains) if (model !== undefined) (names[model.name] ??= []).push(name);
  return names;
}

export function shownRecipe(source: SourceOf, options: RecipeOptions): ShownRecipe {
  const { recipe, text } = findRecipe(source, options);
  return { ...inTab(recipe, options), text };
}

/** A recipe's model, with what the recipe changes in it. */
export function trainedModel(recipe: ModelRecipe): CheckedModel {
  const { checked } = checkModel(trainingModel(recipe));
  if (checked === undefined) throw new Error(`The recipe ${recipe.name} has errors: see Diagnostics.`);
  return checked;
}

/** @throws RangeError, Error: what a tab does not train */
export function trainable(source: SourceOf, options: RecipeOptions): Trainable {
  const { recipe: found } = findRecipe(source, options);
  const checked = trainedModel(found);
  const { recipe } = inTab(found, options);
  checkParameters(checked.model.name, parameterCount(checked.graph));
  const { program, kernels } = planModel(checked, { training: true });
  const sources = Object.fromEntries([...kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  return { program, sources, recipe };
}

function inTab(recipe: ModelRecipe, { steps }: RecipeOptions): TabRecipe {
  return tabRecipe(compiledRecipe(recipe), recipe.model.context, steps);
}

/** The one asked for, the model's first, or the default one with its text. */
export function findRecipe(
  { path, host, checked }: SourceOf,
  { model: name, recipe }: RecipeOptions,
): { readonly recipe: ModelRecipe; readonly text: string | null } {
  const own = checked.trains.flatMap((each) => (each.model?.name === name ? [{ ...each, model: each.model }] : []));
  const found = own.find((each) => each.name === recipe) ?? own[0];
  if (found !== undefined) return { recipe: found, text: null };
  const { model } = checked.models.find((each) => each.model.name === name)!;
  const text = defaultRecipe(name, model.context);
  const [file, ...folder] = path.split('/').reverse();
  const entry = [...folder.reverse(), '--recipe.hyb'].join('/');
  const source = `use "./${file}".{${name}}\n${text}`;
  const { trains } = check({ ...host, read: (each) => (each === entry ? source : host.read(each)) }, entry);
  const [made] = trains;
  if (made?.model === undefined) throw new Error(`No recipe can be made for ${name}: see Diagnostics.`);
  return { recipe: { ...made, model: made.model }, text };
}
