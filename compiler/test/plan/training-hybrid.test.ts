/** Training programs of models with every kind of layer, in the checking interpreter, against f64. */
import { differentiateModel, lossAndGradients } from '../../src/grad/model.js';
import { plan } from '../../src/plan/plan.js';
import { drawParameters, hybrid } from '../support/hybrid.js';
import { InterpretedTraining } from '../support/training-program.js';

const part = [{ tokens: [3, 1, 4, 1, 5, 9, 2, 6, 5, 3] }, { tokens: [7], labels: [7] }, { tokens: [2, 7, 1, 8] }];

const model = hybrid();
const parameters = drawParameters(model, 5);
const expected = lossAndGradients(model, parameters, part, differentiateModel(model));

test.each([
  { fused: true, level: 0 },
  { fused: true, level: 1 },
])('loss and gradients of a hybrid without a fault, %p', ({ fused, level }) => {
  const run = new InterpretedTraining(
    plan(model, { fused, training: true }),
    (path) => parameters.get(path)!.data,
    part,
    level,
  );
  expect(run.faults).toEqual([]);
  expect(run.loss).toBeCloseTo(expected.loss, 4);
  const wrong: string[] = [];
  for (const [path, { data }] of expected.gradients) {
    const actual = run.gradients.get(path)!;
    const largest = data.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    const off = data.reduce((worst, v, i) => Math.max(worst, Math.abs(v - actual[i]!)), 0);
    if (!(off <= 1e-4 * largest + 1e-9)) wrong.push(`${path} is off by ${off / largest}`);
  }
  expect(wrong).toEqual([]);
});
