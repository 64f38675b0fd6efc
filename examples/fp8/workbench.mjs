// One recipe of fp8.hyb, compiled once and run again and again from other seeds.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gpu } from '@hyb/adapter';
import { check, checkModel, compiledRecipe, planModel, printModel, printWgsl, trainingModel } from '@hyb/compiler';
import { eightBitShare, linearFormats } from '@hyb/compiler/inspect/index';
import {
  byteTokenizer,
  dataText,
  initialValues,
  memoryFiles,
  openDevice,
  openTrainer,
  prepareData,
  train,
} from '@hyb/runtime';
import { readWindow } from '@hyb/runtime/train/data/windows';

const SOURCE = new URL('fp8.hyb', import.meta.url);
const TOKENIZER = { codec: byteTokenizer, key: 'bytes' };

/** @throws Error if the file has errors, or no such recipe */
function readRecipe(name, steps) {
  const host = { read: (path) => (path === 'fp8.hyb' ? readFileSync(SOURCE, 'utf8') : undefined) };
  const { trains, diagnostics } = check(host, 'fp8.hyb');
  const recipe = trains.find((each) => each.name === name);
  if (recipe === undefined)
    throw new Error([`fp8.hyb has no recipe ${name}.`, ...diagnostics.map((d) => d.message)].join('\n'));
  // Held-out text is measured once a run, by blocks.
  const { evaluation, ...fields } = recipe;
  return {
    heldOutTokens: evaluation.tokens.value,
    recipe: { ...fields, steps: { value: steps ?? recipe.steps.value, unit: 'steps' } },
  };
}

/** Tells recipes and models apart. */
export function keyOf(name, steps) {
  const { recipe } = readRecipe(name, steps);
  const { model, span: _span, precision, ...fields } = recipe;
  const rules = precision.map(({ role, selector, type }) => ({ role, selector, type }));
  const parts = [printModel(model), JSON.stringify({ ...fields, rules })];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12);
}

/** Steps of a run, operations of linear maps for a token, and the share of them that is in fp8. */
export function describe(name, steps) {
  const { recipe, heldOutTokens } = readRecipe(name, steps);
  const linears = linearFormats(checkModel(trainingModel(recipe)).checked);
  const operations = linears.reduce((sum, each) => sum + each.operations, 0);
  const { vocab, width } = recipe.model;
  const head = 2 * vocab * width;
  const share = eightBitShare(linears);
  return {
    steps: recipe.steps.value,
    batch: recipe.batch.value,
    sequence: recipe.sequence.value,
    rate: recipe.rate,
    layers: recipe.model.layers.length,
    width,
    heldOutTokens,
    operations,
    head,
    share,
    shareWithHead: (share * operations) / (operations + head),
  };
}

/**
 * Compiles a recipe and puts it on a device.
 *
 * @param {{ training: string, heldOut: string }} texts
 * @param {number | undefined} steps in place of the recipe's
 */
export async function openWorkbench(name, texts, steps) {
  const { recipe, heldOutTokens } = readRecipe(name, steps);
  const plan = planModel(checkModel(trainingModel(recipe)).checked, { training: true });
  const kernels = Object.fromEntries([...plan.kernels].map(([kernel, body]) => [kernel, printWgsl(body)]));
  const compiled = compiledRecipe(recipe);
  const device = await openDevice({ gpu: await gpu() });
  const { engine, length, dispose } = await openTrainer(plan.program, kernels, compiled, device);
  const { vocab } = plan.program.model;
  const prepared = { tokenizer: TOKENIZER, cache: memoryFiles(), vocab, sequence: length.sequence };
  const data = await prepareData(compiled, { ...prepared, data: [dataText(texts.training)] });
  const held = await prepareData(compiled, { ...prepared, data: [dataText(texts.heldOut)] });
  const blocks = await readBlocks(held.sources[''], length, heldOutTokens);
  const inits = new Map(compiled.parameters.map(({ path, init }) => [path, init]));

  return {
    recipe: name,
    device: device.name,
    /** Trains from first values of the seed, on text in the order of the seed. @returns the loss of each step, in nats */
    async run(seed, onStep) {
      for (const { name: path, shape } of engine.parameters())
        await engine.write(path, initialValues(inits.get(path), sizeOf(shape), seed, path));
      for (const { name: path, shape } of engine.moments()) await engine.write(path, new Float32Array(sizeOf(shape)));
      const losses = [];
      for await (const { loss } of train({ engine, recipe: { ...compiled, seed }, length, data })) {
        losses.push(loss);
        onStep(loss);
      }
      return losses;
    },
    /** Loss of each block of held-out text, in nats for a byte, as the recipe's precision computes it. */
    async evaluate() {
      const losses = [];
      for (const block of blocks) losses.push((await engine.evaluate([block])).loss);
      return losses;
    },
    async parameters() {
      const read = [];
      for (const each of engine.parameters()) read.push([each.name, await each.read()]);
      return read;
    },
    async write(parameters) {
      for (const [path, values] of parameters) await engine.write(path, values);
    },
    async close() {
      await data.close();
      await held.close();
      dispose();
      device.dispose();
    },
  };
}

const sizeOf = (shape) => shape.reduce((product, size) => product * size, 1);

/** Parts of as many sequences as a step has, evenly over the held-out text: all of equal length. */
async function readBlocks(windows, { batch, sequence }, tokens) {
  const wanted = Math.min(Math.floor(tokens / sequence / batch) * batch, windows.count);
  const indices = Array.from({ length: wanted }, (_, i) => Math.floor((i * windows.count) / wanted));
  const sequences = await Promise.all(indices.map((index) => readWindow(windows, index)));
  return Array.from({ length: wanted / batch }, (_, i) => sequences.slice(i * batch, (i + 1) * batch).flat());
}
