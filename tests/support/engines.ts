/** Engines of one recipe: on a device, and the f64 reference; and what they hold. */
import { referenceEngine, trainedParameters } from '@hyb/compiler';
import type { ReferenceEngineOptions } from '@hyb/compiler';
import { initialValues, openTrainer } from '@hyb/runtime';
import type { Device, EngineTensor, TrainingEngine } from '@hyb/runtime';
import { compileRecipe } from './compiled-recipe.js';

/** By name: parameters by full path, moments with what they are before it. */
export type EngineValues = ReadonlyMap<string, Float32Array>;

/** The engine of a source's first recipe on a device, and how references are made of the same recipe and first values. */
export async function openEngines(source: string, device: Device) {
  const { recipe, checked, program, kernels, compiled } = compileRecipe(source);
  const { engine, memory, dispose } = await openTrainer(program, kernels, compiled, device);
  const parameters = trainedParameters(recipe);
  const referenceOf = (how: Pick<ReferenceEngineOptions, 'formats' | 'fp8Scale' | 'kept'>): TrainingEngine =>
    referenceEngine({
      model: checked.graph,
      recipe,
      parameters,
      values: ({ path, shape, init }) =>
        initialValues(
          init,
          shape.reduce((a, b) => a * b, 1),
          recipe.seed,
          path,
        ),
      ...how,
    });
  return { program, checked, parameters, engine, memory, referenceOf, dispose };
}

export async function valuesOf(tensors: readonly EngineTensor[]): Promise<EngineValues> {
  const values = new Map<string, Float32Array>();
  for (const { name, read } of tensors) values.set(name, await read());
  return values;
}

/** Parameters and moments. */
export async function allValuesOf(engine: TrainingEngine): Promise<EngineValues> {
  return valuesOf([...engine.parameters(), ...engine.moments()]);
}
