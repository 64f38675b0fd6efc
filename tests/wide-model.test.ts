/**
 * A hybrid larger than the goldens on the adapter, against the f64 reference: several chunks and tiles with ragged tails, a
 * vocabulary over 65,535, a ragged batch, a window and a cap that end inside tiles, and bindings of 1 MiB.
 */
import { installTestedGPU } from '../compiler/test/support/tested-adapter.js';
import type { DeviceOptions, Model } from '@hyb/runtime';
import { createModel, openDevice } from '@hyb/runtime';
import { plan } from '../compiler/src/plan/plan.js';
import { evaluateModel } from '../compiler/src/reference/model.js';
import { printWgsl } from '../compiler/src/wgsl/index.js';
import { drawSteady } from '../compiler/test/support/hybrid.js';
import * as layers from '../compiler/test/support/layers.js';
import { random } from '../compiler/test/support/random.js';
import { safetensors } from './support/safetensors.js';

const WIDTH = 512;
const VOCAB = 70_001;
const model = layers.modelOf({ vocab: VOCAB, width: WIDTH, eps: 1e-5 }, [
  {
    alias: 'M',
    graph: layers.residualLayer(
      'M',
      WIDTH,
      1e-5,
      layers.mamba2({ heads: 8, head_dim: 32, state: 32, groups: 2, conv: 4, eps: 1e-5 }, WIDTH),
    ),
  },
  {
    alias: 'A',
    graph: layers.residualLayer(
      'A',
      WIDTH,
      1e-5,
      layers.attention(
        {
          heads: 8,
          kv_heads: 2,
          head_dim: 64,
          window: 77,
          cap: 5,
          rope: Array.from({ length: 24 }, (_, i) => 100 ** (-i / 24)),
        },
        WIDTH,
      ),
    ),
  },
  { alias: 'F', graph: layers.residualLayer('F', WIDTH, 1e-5, layers.mlp(640, WIDTH)) },
]);

const r = random(7);
const parameters = drawSteady(model, r);
const prompts = [300, 17, 1].map((length) => Array.from({ length }, () => r.integer(0, VOCAB)));
const next = [11, 69_999, 3];

/** The reference's logits after each prompt, and after one more token. */
const expected = prompts.map((tokens, i) => {
  const first = evaluateModel(model, parameters, [{ tokens }], { logits: 'last' }).sequences[0]!;
  const second = evaluateModel(model, parameters, [{ tokens: [next[i]!], state: first.state }], { logits: 'last' })
    .sequences[0]!;
  return [first.logits.data, second.logits.data] as const;
});

// Logits are sums of 512 products of order one, after three layers of such sums: a few thousand roundings, mostly random.
const TOLERANCE = 1e-4;

function difference(actual: Float32Array, reference: Float64Array): number {
  expect(actual.length).toBe(reference.length);
  return reference.reduce((worst, v, i) => Math.max(worst, Math.abs(v - actual[i]!)), 0);
}

async function load(options: DeviceOptions, fused: boolean): Promise<Model> {
  const made = plan(model, { fused });
  const sources = Object.fromEntries([...made.kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  await installTestedGPU();
  const device = await openDevice(options);
  return createModel(made.program, sources, { weights: safetensors(parameters), device });
}

test.each([
  ['fused', {}, true],
  ['with bindings of 1 MiB', { limits: { maxStorageBufferBindingSize: 1 << 20 } }, true],
  ['core variants only', { features: [] }, true],
] as const)('%s', async (_, options, fused) => {
  const loaded = await load(options, fused);
  const state = await loaded.state({ sequences: 3, capacity: 320 });
  const first = await loaded.prefill(state, prompts);
  first.forEach((logits, i) => expect(difference(logits, expected[i]![0])).toBeLessThan(TOLERANCE));
  const second = await loaded.decode(state, next);
  second.forEach((logits, i) => expect(difference(logits, expected[i]![1])).toBeLessThan(TOLERANCE));
  loaded.dispose();
});
