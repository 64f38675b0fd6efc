/** Training programs on the adapter against the f64 gradients of whole models. */
import { installTestedGPU } from '../compiler/test/support/tested-adapter.js';
import type { Device, DeviceOptions, Trainer, TrainerOptions, TrainingSequence } from '@hyb/runtime';
import { createTrainer, openDevice, planMemory } from '@hyb/runtime';
import { differentiateModel, lossAndGradients } from '../compiler/src/grad/model.js';
import { parameterPath } from '../compiler/src/graph/graph.js';
import type { ModelGraph } from '../compiler/src/graph/graph.js';
import { probeForward } from '../compiler/src/grad/probes.js';
import type { Reference } from '../compiler/src/ops/op.js';
import { plan } from '../compiler/src/plan/plan.js';
import { evaluateGraph, freshSegments, lookUp } from '../compiler/src/reference/evaluate.js';
import { printWgsl } from '../compiler/src/wgsl/index.js';
import { gradientsOff } from '../compiler/test/support/close.js';
import { drawSteady } from '../compiler/test/support/hybrid.js';
import * as layers from '../compiler/test/support/layers.js';
import { random } from '../compiler/test/support/random.js';
import { allValuesOf, valuesOf } from './support/engines.js';

const WIDTH = 24;
const VOCAB = 101;
const ADAMW = { name: 'AdamW', betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.1 } as const;
const feedForward = layers.modelOf({ vocab: VOCAB, width: WIDTH, eps: 1e-5 }, [
  { alias: 'F', graph: layers.residualLayer('F', WIDTH, 1e-5, layers.mlp(40, WIDTH)) },
  { alias: 'G', graph: layers.residualLayer('G', WIDTH, 1e-5, layers.gatedMlp(36, WIDTH)) },
  { alias: 'F', graph: layers.residualLayer('F', WIDTH, 1e-5, layers.mlp(40, WIDTH)) },
]);

const r = random(11);
const sequences: readonly (TrainingSequence & { readonly tokens: number[]; readonly labels?: number[] })[] = [
  { tokens: Array.from({ length: 70 }, () => r.integer(0, VOCAB)) },
  { tokens: [3, 1, 4, 1, 5], labels: [-100, 1, -100, 1, 5] },
  { tokens: [7] },
];

const opened: Device[] = [];
afterAll(() => opened.forEach((device) => device.dispose()));

async function trainer(
  model: ModelGraph,
  fused: boolean,
  on: DeviceOptions,
  { probes = false, ...options }: Partial<TrainerOptions> & { readonly probes?: boolean } = {},
): Promise<Trainer> {
  const made = plan(model, { fused, training: true, probes });
  const sources = Object.fromEntries([...made.kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  await installTestedGPU();
  const device = await openDevice(on);
  opened.push(device);
  return createTrainer(made.program, sources, { device, optimizer: ADAMW, ...options });
}

const limits = { maxStorageBufferBindingSize: 2 ** 27, maxStorageBuffersPerShaderStage: 8 };

describe('feed-forward layers', () => {
  const parameters = drawSteady(feedForward, r);
  const expected = lossAndGradients(feedForward, parameters, sequences, differentiateModel(feedForward));

  test.each([
    { fused: true, level: 1 },
    { fused: true, level: 0 },
    { fused: false, level: 1 },
  ])('gradients, %p', async ({ fused, level }) => {
    const engine = await trainer(feedForward, fused, { limits }, { levels: feedForward.instances.map(() => level) });
    for (const [path, { data }] of parameters) await engine.write(path, Float32Array.from(data));
    const parts = [sequences.slice(0, 1), sequences.slice(1)];
    const result = await engine.step(parts, { step: 1, rate: 0, lossScale: 1, probes: false });
    expect(result.loss).toBeCloseTo(expected.loss, 5);
    expect(gradientsOff(expected.gradients, await valuesOf(engine.gradients()), 0)).toEqual([]);
    engine.dispose();
  });
});

test('a step with a loss over its limit changes nothing', async () => {
  const engine = await trainer(feedForward, true, { limits });
  const parameters = drawSteady(feedForward, r);
  for (const [path, { data }] of parameters) await engine.write(path, Float32Array.from(data));
  const before = await allValuesOf(engine);
  const settings = { step: 1, rate: 0.01, lossScale: 1, probes: false };
  const over = await engine.step([sequences], { ...settings, lossLimit: 0.5 });
  expect(over.loss).toBeGreaterThan(0.5);
  expect(over.applied).toBe(false);
  expect(await allValuesOf(engine)).toEqual(before);
  const under = await engine.step([sequences], { ...settings, lossLimit: over.loss + 0.01 });
  expect(under).toEqual({ ...over, applied: true });
  expect(await allValuesOf(engine)).not.toEqual(before);
  engine.dispose();
});

test('the engine holds what was planned, and the same step gives the same bits', async () => {
  const width = 64;
  // What one layer computes again takes the room that another one saves: it takes more than two.
  const layer = { alias: 'F', graph: layers.residualLayer('F', width, 1e-5, layers.mlp(256, width)) };
  const model = layers.modelOf({ vocab: 1000, width, eps: 1e-5 }, [layer, layer, layer, layer]);
  const part = [150, 150].map((length) => ({ tokens: Array.from({ length }, () => r.integer(0, 1000)) }));
  const { program } = plan(model, { training: true });
  const request = { tokens: 300, sequences: 2, ruleOf: () => 'AdamW' as const };
  const { peak } = planMemory(program, request);
  const memory = planMemory(program, { ...request, limit: peak - 1 });
  expect(memory.recomputed).toBeGreaterThan(0);
  const parameters = drawSteady(model, r);
  const weights: Float32Array[] = [];
  for (let run = 0; run < 2; run++) {
    const engine = await trainer(model, true, { limits }, { levels: memory.levels });
    for (const [path, { data }] of parameters) await engine.write(path, Float32Array.from(data));
    for (let step = 1; step <= 3; step++) await engine.step([part], { step, rate: 0.01, lossScale: 1, probes: false });
    // Beyond the plan: uniforms of dispatches, and what was read back.
    expect(engine.memory.total / memory.peak).toBeGreaterThan(0.99);
    expect(engine.memory.total / memory.peak).toBeLessThan(1.05);
    weights.push(await engine.parameters()[3]!.read());
    engine.dispose();
  }
  expect(weights[0]).toEqual(weights[1]);
});

describe('probes', () => {
  const width = 16;
  const model = layers.modelOf({ vocab: 31, width, eps: 1e-5 }, [
    {
      alias: 'A',
      graph: layers.residualLayer(
        'A',
        width,
        1e-5,
        layers.attention({ heads: 4, kv_heads: 2, head_dim: 8, window: 9, cap: 2 }, width),
      ),
    },
    { alias: 'F', graph: layers.residualLayer('F', width, 1e-5, layers.mlp(20, width)) },
  ]);
  const parameters = drawSteady(model, r);
  const part: readonly { readonly tokens: readonly number[] }[] = [
    { tokens: Array.from({ length: 40 }, () => r.integer(0, 31)) },
    { tokens: [3, 1, 4, 1, 5] },
  ];

  test.each([true, false])('as in f64, over several parts; fused: %p', async (fused) => {
    const expected = new Map<string, number>();
    const tokens = part.flatMap((each) => each.tokens);
    const segments = freshSegments(...part.map((each) => each.tokens.length));
    let x: Reference | undefined;
    for (const [index, instance] of model.instances.slice(0, -1).entries()) {
      const { graph, probes } = probeForward(model.graphs[instance.graph]!);
      const feed = x === undefined ? { tokens } : { x };
      const path = (local: string) => lookUp(parameters, parameterPath(instance, local));
      const { values, output } = evaluateGraph(graph, { ...feed, parameters: path, segments });
      x = output;
      for (const { probe, of, kind, node } of probes) {
        const number = values[node]!.data[0]!;
        const value = kind === 'norm' ? Math.sqrt(number) : kind === 'mean' ? number / tokens.length : number;
        expected.set(`${probe} ${index - 1} ${of}`, value);
      }
    }
    const engine = await trainer(model, fused, { limits }, { probes: true });
    for (const [path, { data }] of parameters) await engine.write(path, Float32Array.from(data));
    const settings = { rate: 0, lossScale: 1, probes: true };
    const result = await engine.step(
      part.map((each) => [each]),
      { ...settings, step: 1 },
    );
    const found = new Map(result.probes!.map(({ probe, layer, of, value }) => [`${probe} ${layer} ${of}`, value]));
    for (const [name, value] of expected)
      expect([name, found.get(name)! / value]).toEqual([name, expect.closeTo(1, 4)]);
    const gradients = result.probes!.filter(({ probe }) => probe === 'gradients');
    expect([...new Set(gradients.map(({ layer }) => layer))]).toEqual([0, 1, 2]);
    for (const { value } of gradients) expect(value).toBeGreaterThan(0);

    // Gradients of the loss times a factor are told without it; a step that does not ask is told nothing.
    const scaled = await engine.step([part], { ...settings, step: 2, lossScale: 64 });
    scaled.probes!.forEach(({ probe, value }, i) => {
      if (probe === 'gradients') expect(value / result.probes![i]!.value).toBeCloseTo(1, 3);
    });
    expect((await engine.step([part], { ...settings, step: 3, probes: false })).probes).toBeUndefined();
    engine.dispose();
  });
});
