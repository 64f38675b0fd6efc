import type { Device, Model } from '@hyb/runtime';
import { difference, testDevice, tinyModel } from './support/model.js';
import { greedy, TinyReference, tinyWeights } from './support/reference.js';
import { tinyProgram } from './support/tiny-program.js';

/** Sums of some dozens of f32 products: a few units in the last place. */
const TOLERANCE = 2e-6;

const program = tinyProgram();
const weights = tinyWeights(program);
let device: Device;
let model: Model;

beforeAll(async () => {
  device = await testDevice();
  model = await tinyModel(program, device);
});
afterAll(() => {
  model.dispose();
  device.dispose();
});

const tokensOf = (length: number, seed = 3): number[] =>
  Array.from({ length }, (_, i) => (i * seed + seed * seed) % 50);

test('prefill gives the last logits', async () => {
  using state = await model.state();
  const tokens = tokensOf(20);
  const [logits] = await model.prefill(state, [tokens]);
  expect(difference(logits!, new TinyReference(program, weights).feedAll(tokens))).toBeLessThan(TOLERANCE);
  expect(state.lengths).toEqual([20]);
});
