/** Optimizer state in bf16 on the adapter: what is kept, what it takes, and that a run taken up again goes on in the same bits. */
import { installTestedGPU } from '../compiler/test/support/tested-adapter.js';
import { openDevice } from '@hyb/runtime';
import type { Device, TrainingEngine } from '@hyb/runtime';
import { round, spacing } from '../compiler/src/numeric/format.js';
import { random } from '../compiler/test/support/random.js';
import { allValuesOf, openEngines } from './support/engines.js';
import type { EngineValues } from './support/engines.js';

const MODEL = `use std.{Attention, MLP, RMSNorm}
model Small {
  vocab = 37, width = 24, context = 64
  A = Attention(heads = 4, kv_heads = 2, head_dim = 6)
  F = MLP(inner = 30)
  norm = { pre = RMSNorm }
  layers = [A F]
  head = { norm = RMSNorm, tie = false }
}
`;

let device: Device;
beforeAll(async () => {
  await installTestedGPU();
  device = await openDevice();
});
afterAll(() => device.dispose());

const r = random(8);
const batches = Array.from({ length: 6 }, () => [{ tokens: Array.from({ length: 19 }, () => r.integer(0, 37)) }]);

async function write(engine: TrainingEngine, values: EngineValues): Promise<void> {
  for (const [name, each] of values) await engine.write(name, each);
}

async function steps(engine: TrainingEngine, from: number, end: number): Promise<void> {
  for (let i = from; i < end; i++)
    await engine.step([batches[i]!], { step: i + 1, rate: 4e-3, lossScale: 1, probes: false });
}

test.each([
  ['AdamW, at random', 'AdamW(stochastic_rounding = true)', 3],
  ['Muon, to nearest', 'Muon', 3],
])('%s', async (_, optimizer, interrupted) => {
  const text = `${MODEL}train Run of Small {
    batch = 1, steps = 6, rate = 4e-3, seed = 5, optimizer = ${optimizer}, precision { optimizer = bf16 }
  }`;
  const { parameters, engine, memory, referenceOf, dispose } = await openEngines(text, device);
  const reference = referenceOf({ kept: 'f32' });

  const states = engine.moments();
  const narrow = new Set(states.filter(({ dtype }) => dtype === 'BF16').map(({ name }) => name));
  const matrices = new Set(parameters.filter(({ state }) => state === 'bf16').map(({ path }) => path));
  // Matrices, embedding and head included; scales of norms stay in f32.
  expect(matrices.size).toBe(8);
  for (const { name } of states) expect(narrow.has(name)).toBe(matrices.has(name.replace(/^[a-z_]+\./, '')));

  const begin = await allValuesOf(engine);
  await steps(engine, 0, batches.length);
  const whole = await allValuesOf(engine);
  for (const name of narrow) {
    const values = whole.get(name)!;
    expect(values.some((v) => v !== 0)).toBe(true);
    expect(values).toEqual(values.map((v) => round(v, 'bf16')));
  }

  // Taken up again: first values, some steps, everything read and written back over something else.
  await write(engine, begin);
  await steps(engine, 0, interrupted);
  const saved = await allValuesOf(engine);
  await steps(engine, interrupted, interrupted + 1);
  await write(engine, saved);
  await steps(engine, interrupted, batches.length);
  expect(await allValuesOf(engine)).toEqual(whole);

  // The f64 engine rounds by the same random numbers: state is the same but where its bits were about to change anyway.
  await steps(reference, 0, batches.length);
  const expected = await allValuesOf(reference);
  let [same, count] = [0, 0];
  for (const name of narrow) {
    const [ours, theirs] = [whole.get(name)!, expected.get(name)!];
    const largest = theirs.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    ours.forEach((value, i) => {
      const near = spacing(Math.max(Math.abs(value), Math.abs(theirs[i]!)), 'bf16');
      expect(Math.abs(value - theirs[i]!)).toBeLessThanOrEqual(2 * near + 1e-3 * largest);
      same += value === theirs[i] ? 1 : 0;
      count += 1;
    });
  }
  expect(same / count).toBeGreaterThan(0.95);
  for (const { path } of parameters) {
    const [ours, theirs] = [whole.get(path)!, expected.get(path)!];
    const largest = theirs.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    ours.forEach((value, i) => expect(Math.abs(value - theirs[i]!)).toBeLessThanOrEqual(2e-3 * largest));
  }

  const bytes = [...narrow].reduce((sum, name) => sum + 2 * whole.get(name)!.length, 0);
  const wide = states
    .filter(({ name }) => !narrow.has(name))
    .reduce((sum, { name }) => sum + 4 * whole.get(name)!.length, 0);
  expect(memory.optimizer).toBeGreaterThanOrEqual(bytes + wide);
  if (optimizer.startsWith('AdamW')) expect(memory.optimizer).toBeLessThan(1.2 * bytes + 2 * wide + 4096);
  dispose();
});
