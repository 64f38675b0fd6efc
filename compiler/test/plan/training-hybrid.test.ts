/** Training programs of models with every kind of layer, in the checking interpreter, against f64. */
import { differentiateModel, lossAndGradients } from '../../src/grad/model.js';
import { plan } from '../../src/plan/plan.js';
import { gradientsOff } from '../support/close.js';
import { drawParameters, hybrid } from '../support/hybrid.js';
import { reusing } from '../support/reusing.js';
import { InterpretedTraining } from '../support/training-program.js';

const part = [{ tokens: [3, 1, 4, 1, 5, 9, 2, 6, 5, 3] }, { tokens: [7], labels: [7] }, { tokens: [2, 7, 1, 8] }];

describe.each([
  ['a hybrid', hybrid],
  ['weights that are read more than once', reusing],
])('%s', (_, make) => {
  const model = make();
  const parameters = drawParameters(model, 5);
  const expected = lossAndGradients(model, parameters, part, differentiateModel(model));

  test.each([
    { fused: true, level: 0 },
    { fused: true, level: 1 },
  ])('loss and gradients without a fault, %p', ({ fused, level }) => {
    const run = new InterpretedTraining(
      plan(model, { fused, training: true }),
      (path) => parameters.get(path)!.data,
      part,
      level,
    );
    expect(run.faults).toEqual([]);
    expect(run.loss).toBeCloseTo(expected.loss, 4);
    expect(gradientsOff(expected.gradients, run.gradients)).toEqual([]);
  });
});
