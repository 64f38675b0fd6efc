// A recipe of a .hyb file, compiled and on a device: what the demo and the fp8 study have in common.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gpu } from '@hyb/adapter';
import { check, checkModel, compiledRecipe, planModel, printWgsl, trainingModel } from '@hyb/compiler';
import { bytesAsTokens, initialValues, memoryFiles, openDevice, openTrainer, prepareData } from '@hyb/runtime';

const root = fileURLToPath(new URL('../..', import.meta.url));
const host = { read: (path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined) };

/**
 * @param file its path from the root of the repository
 * @throws Error if the recipe is not there, or the file has errors
 */
export function readRecipe(file, name) {
  const { trains, diagnostics } = check(host, file);
  const recipe = trains.find((each) => each.name === name);
  if (recipe === undefined)
    throw new Error([`${file} has no recipe ${name}.`, ...diagnostics.map((d) => d.message)].join('\n'));
  return recipe;
}

/** The program, its kernels' sources by name, and the recipe as the runtime takes it. */
export function compileRecipe(recipe) {
  const { checked } = checkModel(trainingModel(recipe));
  const { program, kernels } = planModel(checked, { training: true, probes: recipe.probes !== undefined });
  const sources = Object.fromEntries([...kernels].map(([kernel, body]) => [kernel, printWgsl(body)]));
  return { program, sources, compiled: compiledRecipe(recipe) };
}

/** Compiles a recipe and puts it on a device, to be trained again and again. */
export async function openRecipe(recipe) {
  const { program, sources, compiled } = compileRecipe(recipe);
  const device = await openDevice({ gpu: await gpu() });
  const { engine, length, dispose } = await openTrainer(program, sources, compiled, device);
  const { vocab } = program.model;
  const inits = new Map(compiled.parameters.map(({ path, init }) => [path, init]));
  return {
    engine,
    length,
    compiled,
    device: device.name,
    /** Texts whose bytes are the tokens. */
    prepare(data) {
      const options = { tokenizer: bytesAsTokens(), cache: memoryFiles(), vocab, sequence: length.sequence };
      return prepareData(compiled, { ...options, data });
    },
    /** As a fresh trainer is: first values of the seed, moments zero. */
    async begin(seed) {
      for (const { name: path, shape } of engine.parameters())
        await engine.write(path, initialValues(inits.get(path), sizeOf(shape), seed, path));
      for (const { name: path, shape } of engine.moments()) await engine.write(path, new Float32Array(sizeOf(shape)));
    },
    dispose() {
      dispose();
      device.dispose();
    },
  };
}

const sizeOf = (shape) => shape.reduce((product, size) => product * size, 1);
