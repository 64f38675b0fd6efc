import { runLength } from '@hyb/runtime';
import { check, checkModel } from '../../src/compile.js';
import { printTrainingMemory, trainingMemory } from '../../src/inspect/training-memory.js';
import type { TrainingMemory } from '../../src/inspect/training-memory.js';
import { memoryHost } from '../../src/sources/host.js';
import { trainingModel } from '../../src/train/model.js';

const source = `
use std.{Mamba2, Attention, MLP, RMSNorm}
model Small {
  vocab   = 512
  width   = 64
  context = 256
  M = Mamba2(heads = 4, head_dim = 32, state = 16, groups = 2, conv = 4)
  A = Attention(heads = 4, kv_heads = 2, head_dim = 16)
  F = MLP(inner = 192)
  norm   = { pre = RMSNorm(eps = 1e-5) }
  layers = [M F A F]
  head   = { norm = RMSNorm(eps = 1e-5), tie = true }
}
train Open of Small { batch = 32, sequence = 256, steps = 10, rate = 1e-3 }
train Tight = Open with { memory = 32 MB }
train Tiny = Open with { memory = 1 MB }
train Said = Open with { accumulation = 8, optimizer = SGD }
`;
const { trains, diagnostics } = check(memoryHost({ 'small.hyb': source }), 'small.hyb');

function memoryOf(name: string): TrainingMemory {
  expect(diagnostics).toEqual([]);
  const recipe = trains.find((train) => train.name === name)!;
  const model = recipe.model!;
  const { checked } = checkModel(trainingModel({ ...recipe, model }));
  return trainingMemory(recipe, checked!, runLength(recipe, { context: model.context }));
}

test('without a limit a step is one part and nothing is computed twice', () => {
  const { parts, memory } = memoryOf('Open');
  expect(parts).toBe(1);
  expect(memory).toMatchObject({ tokens: 32 * 256, sequences: 32, recomputed: 0, fits: true });
  expect(memory.layers.map(({ label }) => label)).toEqual(['embedding', '0 M', '1 F', '2 A', '3 F']);
  for (const { kept, whole } of memory.layers) expect(kept).toBe(whole);
  const elements = memory.gradients / 4;
  // Embedding (tied), and each layer's matrices.
  expect(elements).toBeGreaterThan(512 * 64 + 2 * 2 * 64 * 192);
  expect(memory.weights).toBe(memory.gradients);
  expect(memory.optimizer).toBe(2 * memory.gradients);
  const layers = memory.layers.reduce((n, { stream, kept }) => n + stream + kept, 0);
  const { weights, gradients, optimizer, shared, head, other, peak } = memory;
  expect(peak).toBe(weights + gradients + optimizer + layers + shared + head + other);
});

test('a limit is kept: in parts, computing again what it has to', () => {
  const open = memoryOf('Open');
  const tight = memoryOf('Tight');
  expect(open.memory.peak).toBeGreaterThan(32e6);
  expect(tight.memory.peak).toBeLessThanOrEqual(32e6);
  expect(tight.memory.fits).toBe(true);
  expect(tight.parts).toBeGreaterThan(1);
  expect(tight.memory.sequences).toBe(Math.ceil(32 / tight.parts));
  expect(printTrainingMemory(tight)).toContain('within the 30.5 MiB of the recipe');
});

test('what cannot fit is said', () => {
  const { memory } = memoryOf('Tiny');
  expect(memory.fits).toBe(false);
  expect(memory.sequences).toBe(1);
  expect(memory.recomputed).toBeGreaterThan(0);
  for (const { label, kept } of memory.layers) expect([label, kept]).toEqual([label, 0]);
});

test('parts that the recipe says are taken, and the optimizer’s own moments', () => {
  const { parts, memory } = memoryOf('Said');
  expect(parts).toBe(8);
  expect(memory.sequences).toBe(4);
  expect(memory.optimizer).toBe(memory.gradients);
});
