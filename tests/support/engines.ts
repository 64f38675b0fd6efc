/** Engines of one recipe: on a device, and the f64 reference; and what they hold. */
import {
  check,
  checkModel,
  compiledRecipe,
  memoryHost,
  planModel,
  printWgsl,
  referenceEngine,
  trainedParameters,
  trainingModel,
} from '@hyb/compiler';
import { initialValues, openTrainer } from '@hyb/runtime';
import type { Device, EngineTensor, TrainingEngine } from '@hyb/runtime';

/** By name: parameters by full path, moments with what they are before it. */
export type EngineValues = ReadonlyMap<string, Float32Array>;

/**
 * Both engines of the only recipe of a source, with the same first values.
 *
 * @param kept how the reference keeps parameters and moments between steps
 */
export async function openEngines(source: string, device: Device, kept: 'f32' | 'f64') {
  const { trains, diagnostics } = check(memoryHost({ 'small.hyb': source }), 'small.hyb');
  expect(diagnostics).toEqual([]);
  const recipe = { ...trains[0]!, model: trains[0]!.model! };
  const checked = checkModel(trainingModel(recipe)).checked!;
  const { program, kernels } = planModel(checked, { training: true });
  const sources = Object.fromEntries([...kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  const { engine, memory, dispose } = await openTrainer(program, sources, compiledRecipe(recipe), device);
  const parameters = trainedParameters(recipe);
  const reference = referenceEngine({
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
    kept,
  });
  return { program, parameters, engine, memory, reference, dispose };
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
