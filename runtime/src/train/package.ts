/** Training as a package offers it: the compiled recipe can be changed, and checkpoints are folders of the model. */
import type { Program, WgslSources } from '../program/program.js';
import type { StepMetrics } from './run/metrics.js';
import { trainModel } from './start.js';
import type { CompiledRecipe, TrainModelOptions } from './start.js';

/** What a package that trains holds. */
export interface TrainingPackage {
  readonly program: Program;
  readonly kernels: WgslSources;
  readonly recipe: CompiledRecipe;
  /** Texts by name that make a checkpoint a model folder. */
  readonly files: Readonly<Record<string, string>>;
}

/** Fields that take the place of a recipe's; what the model is made of and how its parameters begin stays. */
export type RecipeChanges = Partial<Omit<CompiledRecipe, 'parameters' | 'probes' | 'identity'>>;

/** What `train` of a package takes. */
export interface PackageTrainOptions extends TrainModelOptions {
  /** Other values for fields of the recipe, as they stand in the package's `recipe`. */
  readonly recipe?: RecipeChanges;
}

/** The `train` of a package. @throws as `trainModel` */
export function trainPackage(
  { program, kernels, recipe, files }: TrainingPackage,
  { recipe: changes, ...options }: PackageTrainOptions,
): AsyncGenerator<StepMetrics, void, undefined> {
  const checkpoint = { ...options.checkpoint, extra: { ...files, ...options.checkpoint?.extra } };
  return trainModel(program, kernels, changedRecipe(recipe, changes), { ...options, checkpoint });
}

/** The length of a run is said in steps or in tokens: whichever was said last counts. */
export function changedRecipe({ steps, ...recipe }: CompiledRecipe, changes: RecipeChanges = {}): CompiledRecipe {
  const length = steps === undefined || changes.tokens !== undefined ? {} : { steps };
  return { ...recipe, ...length, ...changes };
}
