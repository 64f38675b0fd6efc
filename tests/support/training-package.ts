/** A package that trains, made of the first recipe of a source. */
import { emit } from '@hyb/compiler/emit/emit';
import type { PackageFiles } from '@hyb/compiler/emit/emit';
import { compileRecipe } from './compiled-recipe.js';

export async function trainingPackage(source: string, packageName: string): Promise<PackageFiles> {
  const { plan, compiled } = compileRecipe(source);
  return emit(plan, {
    packageName,
    runtimeVersion: '0.1.0',
    sources: { 'model.hyb': source },
    training: { recipe: compiled, files: {} },
  });
}
