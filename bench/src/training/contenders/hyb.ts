import { fileURLToPath } from 'node:url';
import { gpu } from '@hyb/adapter';
import { check, checkModel, compiledRecipe, planModel, printWgsl, trainingModel, version } from '@hyb/compiler';
import { openDevice, openTrainer } from '@hyb/runtime';
import type { Contender, Task } from '../../rounds/contender.js';
import { sourcesIn } from '../../source-host.js';
import { ADAMW, Losses, tokensOf, TRAINING_MODELS } from '../cases.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** Steps as `hyb train` computes them. */
export async function hybTraining(): Promise<Contender> {
  const device = await openDevice({ gpu: await gpu() });
  return {
    version,
    async prepare(c): Promise<Task | undefined> {
      if (c.kind !== 'training') return undefined;
      const { program, sources, recipe } = compiled(c.recipe);
      const { engine, length, operationsPerToken, dispose } = await openTrainer(program, sources, recipe, device);
      const part = Array.from({ length: length.batch }, (_, s) => ({
        tokens: tokensOf(s, length.sequence, program.model.vocab),
      }));
      const losses = new Losses();
      let step = 0;
      return {
        amount: 1,
        facts: {
          tokens: length.tokensPerStep,
          operations: length.tokensPerStep * operationsPerToken,
          memory: engine.memory.total,
        },
        async run(repetitions) {
          for (let i = 0; i < repetitions; i++) {
            const { loss } = await engine.step([part], { step: ++step, rate: ADAMW.rate, lossScale: 1, probes: false });
            losses.add(loss);
          }
          await device.idle();
        },
        dispose,
      };
    },
  };
}

function compiled(name: string) {
  const { trains, diagnostics } = check(sourcesIn(root), TRAINING_MODELS);
  const found = trains.find((train) => train.name === name);
  if (!found?.model) throw new Error([`There is no recipe ${name}.`, ...diagnostics.map((d) => d.message)].join(' '));
  const recipe = { ...found, model: found.model };
  const { checked } = checkModel(trainingModel(recipe));
  const { program, kernels } = planModel(checked!, { training: true });
  const sources = Object.fromEntries([...kernels].map(([kernel, code]) => [kernel, printWgsl(code)]));
  return { program, sources, recipe: compiledRecipe(recipe) };
}
