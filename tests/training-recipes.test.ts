/** Recipes on the adapter against the f64 engine: what they say of optimizer, loss and single parameters is what is done. */
import { installTestedGPU } from '../compiler/test/support/tested-adapter.js';
import { planMemory, openDevice } from '@hyb/runtime';
import type { Device, TrainingEngine } from '@hyb/runtime';
import { random } from '../compiler/test/support/random.js';
import { openEngines, valuesOf } from './support/engines.js';
import type { EngineValues } from './support/engines.js';

/** Odd sizes, so that matrices are padded; gate and up of `F` lie interleaved, `in_dt` is wide, `down` wide, `up` tall. */
const MODEL = `use std.{Attention, GatedMLP, Mamba2, RMSNorm}
model Small {
  vocab = 37, width = 24, context = 64
  M = Mamba2(heads = 4, head_dim = 6, state = 5, groups = 2, conv = 4)
  A = Attention(heads = 4, kv_heads = 2, head_dim = 6)
  F = GatedMLP(inner = 30)
  norm = { pre = RMSNorm }
  layers = [M F A F]
  head = { norm = RMSNorm, tie = false }
}
`;

let device: Device;
beforeAll(async () => {
  await installTestedGPU();
  device = await openDevice();
});
afterAll(() => device.dispose());

const r = random(21);
const batches = Array.from({ length: 20 }, () =>
  [19, 6].map((length) => ({ tokens: Array.from({ length }, () => r.integer(0, 37)) })),
);

async function losses(engine: TrainingEngine): Promise<readonly number[]> {
  const found: number[] = [];
  for (const [i, batch] of batches.entries()) {
    const settings = { step: i + 1, rate: 4e-3, lossScale: 1, probes: false };
    found.push((await engine.step([batch.slice(0, 1), batch.slice(1)], settings)).loss);
  }
  return found;
}

test.each([
  ['Muon as large as AdamW, with z-loss and smoothing', 'Muon', 'loss = cross_entropy(z = 1e-2, smoothing = 0.1)'],
  [
    'Muon as it was published, with rates and decay of parts',
    'Muon(scale = original, nesterov = false, iterations = 4, adam_rate = 0.5, weight_decay = 0.3)',
    'rates = { F.up = 0.5, embedding = 0.25, M = 2 }, decay = { A = 0, embedding = 1 }',
  ],
  ['SGD that looks ahead', 'SGD(momentum = 0.9, nesterov = true, weight_decay = 0.1)', 'rates = { A.q = 0 }'],
])('20 steps of %s', async (_, optimizer, more) => {
  const text = `${MODEL}train Run of Small { batch = 2, steps = 20, rate = 4e-3, optimizer = ${optimizer}, ${more} }`;
  const { program, parameters, engine, referenceOf, dispose } = await openEngines(text, device);
  const reference = referenceOf({ kept: 'f64' });
  const before = await valuesOf(reference.parameters());
  const [expected, found] = [await losses(reference), await losses(engine)];
  // The goldens' bounds for 20 steps: 1e-3 in loss and 2e-3 of each tensor's largest entry.
  found.forEach((loss, i) => expect(Math.abs(loss - expected[i]!)).toBeLessThan(1e-3));
  expect(expected.at(-1)!).toBeLessThan(expected[0]!);
  const off = (ours: EngineValues, theirs: EngineValues): string[] => {
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
    return [...theirs].flatMap(([name, values]) => {
      const largest = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      const distance = values.reduce((a, b, i) => Math.max(a, Math.abs(b - ours.get(name)![i]!)), 0);
      return distance <= 2e-3 * largest ? [] : [`${name} is off by ${distance}, its largest entry is ${largest}`];
    });
  };
  expect(off(await valuesOf(engine.parameters()), await valuesOf(reference.parameters()))).toEqual([]);
  expect(off(await valuesOf(engine.moments()), await valuesOf(reference.moments()))).toEqual([]);

  const still = [...(await valuesOf(engine.parameters()))].filter(([name, values]) => {
    const first = before.get(name)!;
    return values.every((value, i) => value === first[i]);
  });
  expect(still.some(([name]) => name === 'layers.2.q.weight')).toBe(more.includes('A.q = 0'));

  const rules = new Map(parameters.map(({ path, rule }) => [path, rule]));
  const memory = planMemory(program, { tokens: 19, sequences: 1, ruleOf: (path) => rules.get(path)! });
  const moments = (await valuesOf(engine.moments())).values();
  const bytes = [...moments].reduce((sum, { length }) => sum + 4 * length, 0);
  expect(memory.optimizer).toBeGreaterThanOrEqual(bytes);
  dispose();
});
