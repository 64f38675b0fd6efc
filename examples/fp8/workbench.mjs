// One recipe of fp8.hyb, compiled once and run again and again from other seeds.
import { createHash } from 'node:crypto';
import { checkModel, printModel, trainingModel } from '@hyb/compiler';
import { eightBitShare, linearFormats } from '@hyb/compiler/inspect/index';
import { dataText, train } from '@hyb/runtime';
import { readWindow } from '@hyb/runtime/train/data/windows';
import { openRecipe, readRecipe as recipeOf } from '../training/workbench.mjs';

/** @throws Error if the file has errors, or no such recipe */
function readRecipe(name, steps) {
  // Held-out text is measured once a run, by blocks.
  const { evaluation, ...fields } = recipeOf('examples/fp8/fp8.hyb', name);
  return {
    heldOutTokens: evaluation.tokens.value,
    recipe: { ...fields, steps: { value: steps ?? fields.steps.value, unit: 'steps' } },
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
  const { engine, length, compiled, device, prepare, begin, dispose } = await openRecipe(recipe);
  const data = await prepare([dataText(texts.training)]);
  const held = await prepare([dataText(texts.heldOut)]);
  const blocks = await readBlocks(held.sources[''], length, heldOutTokens);

  return {
    recipe: name,
    device,
    /** Trains from first values of the seed, on text in the order of the seed. @returns the loss of each step, in nats */
    async run(seed, onStep) {
      await begin(seed);
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
    },
  };
}

/** Parts of as many sequences as a step has, evenly over the held-out text: all of equal length. */
async function readBlocks(windows, { batch, sequence }, tokens) {
  const wanted = Math.min(Math.floor(tokens / sequence / batch) * batch, windows.count);
  const indices = Array.from({ length: wanted }, (_, i) => Math.floor((i * windows.count) / wanted));
  const sequences = await Promise.all(indices.map((index) => readWindow(windows, index)));
  return Array.from({ length: wanted / batch }, (_, i) => sequences.slice(i * batch, (i + 1) * batch).flat());
}
