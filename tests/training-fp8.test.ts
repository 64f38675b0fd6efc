/** Recipes in formats of 8 bits on the adapter against the f64 engine, which rounds and scales as the recipe says. */
import { installTestedGPU } from '../compiler/test/support/tested-adapter.js';
import type { ReferenceEngineOptions } from '@hyb/compiler';
import { openDevice } from '@hyb/runtime';
import type { Device } from '@hyb/runtime';
import { random } from '../compiler/test/support/random.js';
import { openEngines } from './support/engines.js';

const MODEL = `use std.{Attention, MLP, RMSNorm}
model Small {
  vocab = 37, width = 24, context = 64
  A = Attention(heads = 4, kv_heads = 2, head_dim = 6)
  F = MLP(inner = 40)
  norm = { pre = RMSNorm }
  layers = [A F]
  head = { norm = RMSNorm, tie = false }
}
`;
const EIGHT = `precision {
  weights in linears = e4m3, activations in linears = e4m3, gradients in linears = e5m2
  weights in embedding = bf16
}`;
const SIXTEEN = 'precision { weights = bf16, activations = bf16, gradients = bf16 }';

type Rounding = Pick<ReferenceEngineOptions, 'formats' | 'fp8Scale'>;

let device: Device;
beforeAll(async () => {
  await installTestedGPU();
  device = await openDevice();
});
afterAll(() => device.dispose());

const r = random(5);
const parts = [[19, 11], [24]].map((lengths) =>
  lengths.map((length) => ({ tokens: Array.from({ length }, () => r.integer(0, 37)) })),
);

/** What else could be computed, and must not be taken for it. */
const OTHERS = {
  'f32 weights': ({ formats: _, ...rest }: Rounding): Rounding => rest,
  'another scale': (rounding: Rounding): Rounding => ({ ...rounding, fp8Scale: 4 }),
};

test.each([
  ['each tensor by its largest magnitude', `fp8_scale = current, ${EIGHT}`, Object.keys(OTHERS)],
  ['all by one factor', `fp8_scale = 16, ${EIGHT}`, Object.keys(OTHERS)],
  ['16 bits', SIXTEEN, ['f32 weights']],
])('steps in two parts: %s', async (_, fields, others) => {
  const text = `${MODEL}train Run of Small { batch = 3, steps = 6, rate = 4e-3, ${fields} }`;
  const { engine: ours, checked, referenceOf, dispose } = await openEngines(text, device);
  const rounding = { formats: checked.formats, fp8Scale: checked.model.fp8Scale };
  const same = referenceOf({ ...rounding, kept: 'f64' });
  const apart = others.map((name) => referenceOf({ ...OTHERS[name as keyof typeof OTHERS](rounding), kept: 'f64' }));
  const distances = apart.map(() => 0);
  for (let step = 1; step <= 3; step++) {
    const settings = { step, rate: 4e-3, lossScale: 8, probes: false };
    const found = await ours.step(parts, settings);
    const expected = await same.step(parts, settings);
    // Sums of a few hundred terms in f32; of values on the border of two roundings none may have gone the other way.
    expect(Math.abs(found.loss - expected.loss)).toBeLessThan(1e-5);
    expect(Math.abs(found.gradientNorm / expected.gradientNorm - 1)).toBeLessThan(1e-5);
    for (const [i, engine] of apart.entries()) {
      const { gradientNorm } = await engine.step(parts, settings);
      distances[i] = Math.max(distances[i]!, Math.abs(gradientNorm / expected.gradientNorm - 1));
    }
  }
  for (const distance of distances) expect(distance).toBeGreaterThan(1e-4);
  const evaluated = await Promise.all([ours, same].map((engine) => engine.evaluate(parts)));
  expect(Math.abs(evaluated[0]!.loss - evaluated[1]!.loss)).toBeLessThan(1e-5);
  dispose();
});
