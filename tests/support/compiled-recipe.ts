/** Recipes as they are trained, compiled from sources that have nothing to be said of. */
import { check, checkModel, compiledRecipe, memoryHost, planModel, printWgsl, trainingModel } from '@hyb/compiler';

/** The first recipe of a source. */
export function compileRecipe(source: string) {
  const { trains, diagnostics } = check(memoryHost({ 'model.hyb': source }), 'model.hyb');
  expect(diagnostics).toEqual([]);
  const recipe = { ...trains[0]!, model: trains[0]!.model! };
  const checked = checkModel(trainingModel(recipe)).checked!;
  const plan = planModel(checked, { training: true });
  const kernels = Object.fromEntries([...plan.kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  return { recipe, checked, plan, program: plan.program, kernels, compiled: compiledRecipe(recipe) };
}
