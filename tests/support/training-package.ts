/** A package that trains, made of the first recipe of a source. */
import { check, checkModel, compiledRecipe, memoryHost, planModel, trainingModel } from '@hyb/compiler';
import { emit } from '@hyb/compiler/emit/emit';
import type { PackageFiles } from '@hyb/compiler/emit/emit';

export async function trainingPackage(source: string, packageName: string): Promise<PackageFiles> {
  const { trains } = check(memoryHost({ 'model.hyb': source }), 'model.hyb');
  const recipe = { ...trains[0]!, model: trains[0]!.model! };
  const plan = planModel(checkModel(trainingModel(recipe)).checked!, { training: true });
  return emit(plan, {
    packageName,
    runtimeVersion: '0.1.0',
    sources: { 'model.hyb': source },
    training: { recipe: compiledRecipe(recipe), files: {} },
  });
}
