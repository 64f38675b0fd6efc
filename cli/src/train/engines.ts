/** What computes the steps. */
import { planModel, referenceEngine } from '@hyb/compiler';
import type { TrainedParameter } from '@hyb/compiler';
import { printWgsl } from '@hyb/compiler/wgsl/index';
import { initialValues } from '@hyb/runtime';
import type { RunLength, TrainingEngine, TrainOptions } from '@hyb/runtime';
import { attempt } from '../terminal/errors.js';
import type { TrainingDevice } from './devices.js';
import type { TrainableRecipe } from './check-recipe.js';
import type { OpenedRun } from './open-run.js';
import { sampleInReference, TEMPERATURE } from './samples.js';

export interface RunEngine {
  readonly engine: TrainingEngine;
  /** In as many parts a step as the engine takes. */
  readonly length: RunLength;
  /** For people. */
  readonly device: string;
  /** Operations for a token, and the device's matrix products in operations a second; absent: not known. */
  readonly work?: NonNullable<TrainOptions['work']>;
  /**
   * Continues a prompt.
   *
   * @param weights folder of a checkpoint that holds what the engine holds
   */
  sample(weights: string, prompt: readonly number[], tokens: number): Promise<readonly number[]>;
  dispose(): void;
}

/** An engine with a recipe's first values. */
export function openEngine(run: OpenedRun, device: TrainingDevice): Promise<RunEngine> {
  return device === 'reference' ? Promise.resolve(inReference(run)) : onDevice(run);
}

function inReference({ checked, recipe, parameters, length }: OpenedRun): RunEngine {
  const engine = attempt(() =>
    referenceEngine({
      model: checked.graph,
      formats: checked.formats,
      fp8Scale: checked.model.fp8Scale,
      recipe,
      parameters,
      values: (each) => firstValues(each, recipe),
    }),
  );
  return {
    engine,
    length,
    device: 'reference (f64)',
    sample: (_, prompt, tokens) => sampleInReference(checked.graph, engine, prompt, { tokens, seed: recipe.seed }),
    dispose: () => engine.dispose(),
  };
}

async function onDevice({ checked, recipe, compiled }: OpenedRun): Promise<RunEngine> {
  const [{ gpu }, { createModel, measurePeak, openDevice, openTrainer }] = await Promise.all([
    import('@hyb/adapter'),
    import('@hyb/runtime'),
  ]);
  const plan = attempt(() => planModel(checked, { training: true, probes: recipe.probes !== undefined }));
  const kernels = Object.fromEntries([...plan.kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  const device = await openDevice({ gpu: await gpu() });
  try {
    const opened = await openTrainer(plan.program, kernels, compiled, device);
    const { engine, length, operationsPerToken, dispose } = opened;
    return {
      engine,
      length,
      device: device.name,
      work: { operationsPerToken, peak: await measurePeak(device) },
      async sample(weights, prompt, tokens) {
        const model = await createModel(plan.program, kernels, { device, weights });
        try {
          const options = { maxTokens: tokens, temperature: TEMPERATURE, seed: recipe.seed, stopTokens: [] };
          const [made] = await model.generate([prompt], options).all();
          return made!.tokens;
        } finally {
          model.dispose();
        }
      },
      dispose() {
        dispose();
        device.dispose();
      },
    };
  } catch (error) {
    device.dispose();
    throw error;
  }
}

function firstValues({ init, shape, path }: TrainedParameter, { seed }: TrainableRecipe): Float32Array {
  const count = shape.reduce((product, size) => product * size, 1);
  return initialValues(init, count, seed, path);
}
