import { installTestedGPU } from '../../compiler/test/support/tested-adapter.js';
import { createTrainer, openDevice } from '@hyb/runtime';
import { differentiateModel, lossAndGradients } from '../../compiler/src/grad/model.js';
import type { ModelGraph } from '../../compiler/src/graph/graph.js';
import { plan } from '../../compiler/src/plan/plan.js';
import { printWgsl } from '../../compiler/src/wgsl/index.js';
import { gradientsOff } from '../../compiler/test/support/close.js';
import { drawParameters } from '../../compiler/test/support/hybrid.js';
import { random } from '../../compiler/test/support/random.js';
import { valuesOf } from './engines.js';

/** Loss and gradients of a ragged batch on the adapter, within 1e-4 of each f64 gradient's largest entry. */
export async function expectGradients(model: ModelGraph, counts: readonly number[]): Promise<void> {
  const parameters = drawParameters(model, 3);
  const r = random(11);
  const sequences = counts.map((count) => ({ tokens: Array.from({ length: count }, () => r.integer(0, model.vocab)) }));
  const expected = lossAndGradients(model, parameters, sequences, differentiateModel(model));
  const { program, kernels } = plan(model, { fused: true, training: true });
  const sources = Object.fromEntries([...kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  await installTestedGPU();
  const device = await openDevice({
    limits: { maxStorageBufferBindingSize: 2 ** 27, maxStorageBuffersPerShaderStage: 8 },
  });
  try {
    const optimizer = { name: 'SGD', momentum: 0, nesterov: false, weightDecay: 0 } as const;
    const engine = await createTrainer(program, sources, { device, optimizer });
    for (const [path, { data }] of parameters) await engine.write(path, Float32Array.from(data));
    const { loss } = await engine.step([sequences], { step: 1, rate: 0, lossScale: 1, probes: false });
    expect(loss).toBeCloseTo(expected.loss, 4);
    expect(gradientsOff(expected.gradients, await valuesOf(engine.gradients()))).toEqual([]);
    engine.dispose();
  } finally {
    device.dispose();
  }
}
