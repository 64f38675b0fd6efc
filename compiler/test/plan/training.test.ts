/** Training programs: every kernel on default limits, and whole models in the checking interpreter against f64. */
import type { KernelFeature } from '@hyb/runtime';
import { check, planModel } from '../../src/compile.js';
import { differentiateModel, lossAndGradients } from '../../src/grad/model.js';
import type { ModelGraph } from '../../src/graph/graph.js';
import { CORE_LIMITS, verifyKernel } from '../../src/kernel/verify.js';
import { plan } from '../../src/plan/plan.js';
import type { Reference } from '../../src/ops/op.js';
import { memoryHost } from '../../src/sources/host.js';
import { golden } from '../support/golden.js';
import { gatedMlp, mlp, modelOf, residualLayer } from '../support/layers.js';
import { gradientsOff } from '../support/close.js';
import { drawParameters } from '../support/hybrid.js';
import { modelSources } from '../support/models.js';
import { InterpretedTraining } from '../support/training-program.js';

test.each(['nemotron-h-8b.hyb', 'qwen-2.5-7b.hyb', 'mamba2-2.7b.hyb'])(
  'kernels of %s are sound and bind no more buffers than every device has',
  (file) => {
    const { models } = check(memoryHost(modelSources), file);
    for (const model of models) {
      for (const [name, kernel] of planModel(model, { training: true }).kernels) {
        expect([name, verifyKernel(kernel)]).toEqual([name, []]);
        expect([name, kernel.buffers.length <= CORE_LIMITS.storageBuffers]).toEqual([name, true]);
      }
    }
  },
);

/** Odd sizes: rows and columns that are no multiples of four, and tiles that end inside. */
function feedForward(): { readonly model: ModelGraph; readonly parameters: ReadonlyMap<string, Reference> } {
  const width = 10;
  const model = modelOf({ vocab: 23, width, eps: 1e-5 }, [
    { alias: 'F', graph: residualLayer('F', width, 1e-5, mlp(15, width)) },
    { alias: 'G', graph: residualLayer('G', width, 1e-5, gatedMlp(13, width)) },
  ]);
  return { model, parameters: drawParameters(model, 5) };
}

const part = [{ tokens: [3, 1, 4, 1, 5, 9, 2, 6, 5, 3] }, { tokens: [7], labels: [7] }, { tokens: [2, 7, 1, 8] }];

/** The recorded models take minutes in the interpreter: asked for by name. On a device they are checked by `hyb verify`. */
const recorded = process.env['HYB_LONG_TESTS'] === '1' ? (['nh_c_realinit_g1', 'llama_gqa'] as const) : [];

describe.each([
  ['feed-forward layers', feedForward] as const,
  ...recorded.map((name) => [name, () => golden(name)] as const),
])('%s', (name, make) => {
  const { model, parameters } = make();
  const expected = lossAndGradients(model, parameters, part, differentiateModel(model));
  const cases: readonly { fused: boolean; level: number; features?: readonly KernelFeature[] }[] = [
    { fused: true, level: 0 },
    { fused: true, level: 1 },
    ...(name === 'feed-forward layers'
      ? [
          { fused: false, level: 1 },
          { fused: true, level: 1, features: ['subgroups'] as const },
          { fused: true, level: 1, features: ['hardware', 'subgroups'] as const },
        ]
      : []),
  ];
  test.each(cases)('loss and gradients without a fault, %p', ({ fused, level, features }) => {
    const run = new InterpretedTraining(
      plan(model, { fused, training: true }),
      (path) => parameters.get(path)!.data,
      part,
      level,
      features,
    );
    expect(run.faults).toEqual([]);
    expect(run.loss).toBeCloseTo(expected.loss, 4);
    expect(gradientsOff(expected.gradients, run.gradients)).toEqual([]);
  });
});

test('tokens that several workgroups share are added up in order', () => {
  const { model, parameters } = feedForward();
  const long = [{ tokens: Array.from({ length: 300 }, (_, t) => (7 * t * t + t) % 23) }];
  const expected = lossAndGradients(model, parameters, long, differentiateModel(model));
  const planned = plan(model, { fused: true, training: true });
  const run = new InterpretedTraining(planned, (path) => parameters.get(path)!.data, long, 1);
  expect([...planned.kernels.keys()].filter((name) => name.includes('runs'))).not.toEqual([]);
  expect(run.faults).toEqual([]);
  expect(gradientsOff(expected.gradients, run.gradients)).toEqual([]);
});
