/** What computes the steps. */
import { planModel, referenceEngine } from '@hyb/compiler';
import type { TrainedParameter } from '@hyb/compiler';
import { printWgsl } from '@hyb/compiler/wgsl/index';
import { initialValues } from '@hyb/runtime';
import type { OptimizerSettings, TrainingEngine } from '@hyb/runtime';
import { CliError } from '../terminal/errors.js';
import type { TrainingDevice } from './devices.js';
import type { OpenedRun, TrainableRecipe } from './open-run.js';
import { sampleInReference, TEMPERATURE } from './samples.js';

export interface RunEngine {
  readonly engine: TrainingEngine;
  /** For people. */
  readonly device: string;
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

function inReference({ checked, recipe, parameters }: OpenedRun): RunEngine {
  const engine = attempt(() =>
    referenceEngine({ model: checked.graph, recipe, parameters, values: (each) => firstValues(each, recipe) }),
  );
  return {
    engine,
    device: 'reference (f64)',
    sample: (_, prompt, tokens) => sampleInReference(checked.graph, engine, prompt, { tokens, seed: recipe.seed }),
    dispose: () => engine.dispose(),
  };
}

async function onDevice({ checked, recipe, parameters }: OpenedRun): Promise<RunEngine> {
  const optimizer = optimizerSettings(recipe);
  const [{ gpu }, { createModel, createTrainer, openDevice }] = await Promise.all([
    import('@hyb/adapter'),
    import('@hyb/runtime'),
  ]);
  const plan = attempt(() => planModel(checked, { training: true }));
  const kernels = Object.fromEntries([...plan.kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  const device = await openDevice({ gpu: await gpu() });
  try {
    const known = new Map(parameters.map((parameter) => [parameter.path, parameter]));
    const engine = await createTrainer(plan.program, kernels, {
      device,
      optimizer,
      ...(recipe.clip === null ? {} : { clip: recipe.clip }),
      loss: recipe.loss.arguments,
      multiples: ({ path }) => known.get(path)!,
    });
    for (const parameter of parameters) await engine.write(parameter.path, firstValues(parameter, recipe));
    return {
      engine,
      device: device.name,
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
        engine.dispose();
        device.dispose();
      },
    };
  } catch (error) {
    device.dispose();
    throw error;
  }
}

function optimizerSettings({ optimizer }: TrainableRecipe): OptimizerSettings {
  switch (optimizer.name) {
    case 'AdamW': {
      const { betas, eps, weight_decay } = optimizer.arguments;
      return { name: 'AdamW', betas, eps, weightDecay: weight_decay };
    }
    case 'SGD': {
      const { momentum, nesterov, weight_decay } = optimizer.arguments;
      return { name: 'SGD', momentum, nesterov, weightDecay: weight_decay };
    }
    case 'Muon':
      throw new CliError('Muon is not there on devices yet.', 'AdamW and SGD are.');
  }
}

function firstValues({ init, shape, path }: TrainedParameter, { seed }: TrainableRecipe): Float32Array {
  const count = shape.reduce((product, size) => product * size, 1);
  return initialValues(init, count, seed, path);
}

/** What cannot be computed is the user's to know, and no fault of the program. */
function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new CliError(cause instanceof Error ? cause.message : String(cause), undefined, { cause });
  }
}
