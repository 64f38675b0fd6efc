import { createModel, openDevice } from '@hyb/runtime';
import type { Program as TestProgram } from '../../../tests/support/environments.js';
import { tinyProgram, tinySources } from '../support/tiny-program.js';

interface Arguments {
  readonly prompt: readonly number[];
}

/** Loads the tiny model's shards by range requests, generates, goes on from a serialised state and traces. */
const run: TestProgram<Arguments> = async ({ prompt }, { base }) => {
  const program = tinyProgram();
  const device = await openDevice();
  const model = await createModel(program, tinySources, { device, weights: `${base}/model/` });
  const state = await model.state();
  const [text] = await model.generate(prompt, { maxTokens: 20, state }).all();
  const copy = await model.deserialize(await state.serialize());
  const [logits] = await model.decode(copy, [3]);
  const trace = await model.trace(prompt);
  const result = {
    tokens: text!.tokens,
    logits: [...logits!],
    trace: trace.map(({ label, values }) => [label, values.reduce((a, b) => a + b, 0)]),
    bytes: model.memory.weights,
  };
  model.dispose();
  device.dispose();
  return result;
};
export default run;
