// One compiled recipe, run again and again with other learning rates and seeds.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gpu } from '@hyb/adapter';
import { check, checkModel, compiledRecipe, planModel, printWgsl, trainingModel } from '@hyb/compiler';
import {
  byteTokenizer,
  dataText,
  initialValues,
  memoryFiles,
  openDevice,
  openTrainer,
  prepareData,
  train,
  TrainingError,
} from '@hyb/runtime';
import { isHopeless } from './criterion.mjs';

const folder = dirname(fileURLToPath(import.meta.url));
export const SOURCE = 'stability.hyb';
const host = {
  read: (path) => {
    try {
      return readFileSync(join(folder, path), 'utf8');
    } catch {
      return undefined;
    }
  },
};

/** @throws Error if the recipe is not there, or the file has errors */
export function readRecipe(name) {
  const { trains, diagnostics } = check(host, SOURCE);
  const recipe = trains.find((each) => each.name === name);
  if (recipe === undefined)
    throw new Error([`${SOURCE} has no recipe ${name}.`, ...diagnostics.map((d) => d.message)].join('\n'));
  return recipe;
}

const sizeOf = (shape) => shape.reduce((product, size) => product * size, 1);

/** Compiles a recipe and puts it on a device. */
export async function openWorkbench(name, { training, heldOut }) {
  const recipe = readRecipe(name);
  const plan = planModel(checkModel(trainingModel(recipe)).checked, {
    training: true,
    probes: recipe.probes !== undefined,
  });
  const kernels = Object.fromEntries([...plan.kernels].map(([kernel, body]) => [kernel, printWgsl(body)]));
  const compiled = compiledRecipe(recipe);
  const device = await openDevice({ gpu: await gpu() });
  const { engine, length, dispose } = await openTrainer(plan.program, kernels, compiled, device);
  const { vocab } = plan.program.model;
  const data = await prepareData(compiled, {
    data: [dataText(training)],
    evaluation: [dataText(heldOut)],
    tokenizer: { codec: byteTokenizer, key: 'bytes' },
    cache: memoryFiles(),
    vocab,
    sequence: length.sequence,
  });
  const inits = new Map(compiled.parameters.map(({ path, init }) => [path, init]));

  /** As a fresh trainer is: first values of the seed, moments zero. */
  async function begin(seed) {
    for (const { name: path, shape } of engine.parameters())
      await engine.write(path, initialValues(inits.get(path), sizeOf(shape), seed, path));
    for (const { name: path, shape } of engine.moments()) await engine.write(path, new Float32Array(sizeOf(shape)));
  }

  return {
    device: device.name,
    steps: length.steps,
    /**
     * Trains from the beginning.
     *
     * @param givesUp ends the run once it is hopeless
     * @returns all steps' metrics, whether all of them were finite, and the held-out loss if the run came to its end
     */
    async run({ rate, seed }, { givesUp, onStep = () => undefined }) {
      await begin(seed);
      const metrics = [];
      let finite = true;
      try {
        for await (const each of train({ engine, recipe: { ...compiled, rate, seed }, length, data })) {
          metrics.push(each);
          onStep(each);
          const steady = metrics.slice(compiled.warmup.value).map(({ loss }) => loss);
          if (givesUp && isHopeless(steady, vocab)) break;
        }
      } catch (error) {
        if (!(error instanceof TrainingError && error.code === 'not-finite')) throw error;
        finite = false;
      }
      return { metrics, finite, heldOut: metrics.at(-1)?.evaluation?.loss };
    },
    async dispose() {
      await data.close();
      dispose();
      device.dispose();
    },
  };
}
