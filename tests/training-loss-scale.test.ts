/** Training in f16 on the adapter: the loss scale falls until gradients fit, grows again, and both are said. */
import { installTestedGPU } from '../compiler/test/support/tested-adapter.js';
import { dataText, memoryFiles, openDevice, trainModel } from '@hyb/runtime';
import type { Device, StepMetrics } from '@hyb/runtime';
import { compileRecipe } from './support/compiled-recipe.js';

/** The embedding's values are small, and the norm's gradients as much larger: at the first scale of 65,536 over what f16 holds. */
const SOURCE = `use std.{Attention, MLP, RMSNorm}
model Small {
  vocab = 257, width = 16, context = 8
  A = Attention(heads = 2, kv_heads = 1, head_dim = 8)
  F = MLP(inner = 24)
  norm = { pre = RMSNorm }
  layers = [A F]
  head = { norm = RMSNorm, tie = false }
}
train Run of Small {
  batch      = 1
  sequence   = 2
  steps      = 16
  rate       = 1e-3
  loss_scale = dynamic
  init       = { head = normal(0.2) }
  precision {
    weights in linears = f16
    activations        = f16
    gradients          = f16
  }
}
`;

let device: Device;
beforeAll(async () => {
  await installTestedGPU();
  device = await openDevice();
});
afterAll(() => device.dispose());

test('a run in f16', async () => {
  const { program, kernels, compiled } = compileRecipe(SOURCE);
  const contents = new Map<string, Uint8Array>();
  // All steps see the same, so that they overflow at the same scale.
  const run = async (steps: number, resume: boolean): Promise<readonly StepMetrics[]> => {
    const options = { data: [dataText('a'.repeat(200))], files: memoryFiles(contents), device, resume, peak: 1e9 };
    const found: StepMetrics[] = [];
    const fields = { ...compiled, steps: { value: steps, unit: 'steps' } as const };
    for await (const metrics of trainModel(program, kernels, fields, options)) found.push(metrics);
    return found;
  };

  const metrics = await run(16, false);
  for (const { share } of metrics) expect(share).toBeGreaterThan(0);
  const left = metrics.filter(({ applied }) => !applied);
  expect(left.map(({ step }) => step)).toEqual(left.map((_, i) => i + 1));
  expect(left.length).toBeGreaterThan(1);
  expect(left.length).toBeLessThan(10);
  for (const { step, loss, gradientNorm, parameterNorm, lossScale, notice, fault } of left) {
    expect([Number.isFinite(loss), Number.isFinite(gradientNorm), fault]).toEqual([true, false, undefined]);
    expect(parameterNorm).toBe(metrics[0]!.parameterNorm);
    expect(notice).toBe(
      `Step ${step}: gradients overflow at a loss scale of ${lossScale}. The step was left out, and the scale is halved.`,
    );
  }
  // Halved by every step that overflowed, from the step after the next on.
  const scales = metrics.map(({ step }) => 2 ** (16 - Math.min(left.length, Math.max(0, step - 2))));
  expect(metrics.map(({ lossScale }) => lossScale)).toEqual(scales);
  const rest = metrics.slice(left.length);
  for (const { gradientNorm, notice } of rest)
    expect([Number.isFinite(gradientNorm), notice]).toEqual([true, undefined]);
  expect(rest.at(-1)!.parameterNorm).not.toBe(metrics[0]!.parameterNorm);

  // As if two thousand good steps were almost over.
  const path = 'checkpoints/step-000016/training.json';
  const text = new TextDecoder().decode(contents.get(path));
  expect(text).toMatch(/"finite": \d+/);
  contents.set(path, new TextEncoder().encode(text.replace(/"finite": \d+/, '"finite": 1998')));
  const more = await run(22, true);
  const low = scales.at(-1)!;
  const grown = more.find(({ notice }) => notice?.includes('from here on'));
  expect(grown).toMatchObject({
    lossScale: 2 * low,
    notice: `Step ${grown!.step}: the loss scale is ${2 * low} from here on.`,
  });
  for (const { step, lossScale } of more.slice(0, 2)) expect([step, lossScale]).toEqual([step, low]);
  const lines = new TextDecoder().decode(contents.get('metrics.jsonl'));
  for (const { notice } of [...left, grown!]) expect(lines).toContain(JSON.stringify(notice));
});
