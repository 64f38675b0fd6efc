/** What a run takes of a device's memory, and what it does where the recipe does not say. */
import { gpu } from '@hyb/adapter';
import type { DeviceOptions, MemoryRequest } from '@hyb/runtime';
import { openDevice, openTrainer, operationsPerToken, planMemory, planParts } from '@hyb/runtime';
import { compileRecipe } from './support/compiled-recipe.js';

const SOURCE = `use std.{MLP, RMSNorm, relu2}

model Small {
  vocab   = 256
  width   = 64
  context = 2048
  F = MLP(inner = 256, activation = relu2)
  norm   = { pre = RMSNorm }
  layers = [F*6]
  head   = { norm = RMSNorm, tie = false }
}

train Run of Small {
  data = "text.txt"
  sequence = 1024
  batch = 4
  steps = 2
  rate = 1e-3
}
`;

const { program, kernels, compiled } = compileRecipe(SOURCE);
const batch: MemoryRequest = { tokens: 4096, sequences: 4, ruleOf: () => 'AdamW' };

async function opened(options: DeviceOptions, memory?: number) {
  const device = await openDevice({ gpu: await gpu({ kind: 'software' }), ...options });
  try {
    const recipe = { ...compiled, ...(memory ? { memory: { value: memory } } : {}) };
    const run = await openTrainer(program, kernels, recipe, device);
    run.dispose();
    return run;
  } finally {
    device.dispose();
  }
}

test('layers are computed twice where activations are not to take more', () => {
  const free = planMemory(program, batch);
  const kept = free.layers.reduce((n, layer) => n + layer.kept, 0);
  const activations = free.peak - free.weights - free.gradients - free.optimizer - free.other;
  expect(kept).toBeGreaterThan(0);
  expect(planMemory(program, { ...batch, activations })).toEqual(free);
  const narrow = planMemory(program, { ...batch, activations: activations - kept });
  expect(narrow.recomputed).toBeGreaterThan(0);
  expect(narrow.peak).toBeLessThan(free.peak);
});

test('where the recipe does not say, activations take no more than the largest buffer, in as many parts as that takes', async () => {
  const { peak, weights, gradients, optimizer, other } = planMemory(program, batch);
  const activations = peak - weights - gradients - optimizer - other;
  expect((await opened({})).length.parts).toBe(1);
  const small = await opened({ limits: { maxBufferSize: Math.ceil(0.6 * activations) } });
  expect(small.length.parts).toBe(2);
  expect(small.memory.tokens).toBe(2048);
  expect(small.memory.recomputed).toBe(0);
  // Not even single sequences keep within it: the least there is, and no refusal.
  const least = await opened({ limits: { maxBufferSize: Math.ceil(0.1 * activations) } });
  expect(least.length.parts).toBe(4);
  expect(least.memory.fits).toBe(false);
});

test('what the recipe allows is kept to, or refused', async () => {
  const { peak } = planMemory(program, batch);
  const run = await opened({}, Math.floor(0.7 * peak));
  expect(run.length.parts).toBe(2);
  expect(run.memory.peak).toBeLessThanOrEqual(0.7 * peak);
  await expect(opened({}, 1000)).rejects.toMatchObject({ code: 'bad-recipe', available: 1000 });
  const { memory } = planParts(program, { sequences: 4, length: 1024 }, { ruleOf: () => 'AdamW', parts: 4 });
  expect(memory.tokens).toBe(1024);
});

test('a device without room for a step says so when the run is opened', async () => {
  const device = await openDevice({ gpu: await gpu({ kind: 'software' }) });
  const full = Object.assign(new Error('full'), { constructor: { name: 'GPUOutOfMemoryError' } });
  Object.defineProperty(device.gpu, 'popErrorScope', { value: () => Promise.resolve(full), configurable: true });
  await expect(openTrainer(program, kernels, compiled, device)).rejects.toMatchObject({
    code: 'out-of-memory',
    needed: planMemory(program, batch).peak,
  });
  device.dispose();
});

test('a token’s operations are those of the linear maps three times, and little else', () => {
  const matrices = program.matrices.reduce((n, { rows, columns }) => n + rows * columns, 0);
  const table = program.model.vocab * program.model.width;
  const products = 6 * (matrices - table);
  const found = operationsPerToken(program, batch);
  expect(found).toBeGreaterThan(products);
  expect(found).toBeLessThan(1.2 * products);
});
