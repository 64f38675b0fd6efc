import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environments, type Environment, type EnvironmentName } from '../../tests/support/environments.js';
import { difference } from './support/model.js';
import { greedy, TinyReference, tinyWeights } from './support/reference.js';
import { f32, writeSafetensors } from './support/safetensors.js';
import { tinyProgram } from './support/tiny-program.js';

const program = tinyProgram();
const weights = tinyWeights(program);
const prompt = [4, 8, 15, 16, 23, 42];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hyb-runtime-'));
  const map: Record<string, string> = {};
  for (const [i, half] of [program.parameters.slice(0, 3), program.parameters.slice(3)].entries()) {
    const name = `model-0000${i + 1}-of-00002.safetensors`;
    for (const { path } of half) map[path] = name;
    const tensors = half.map(({ path, shape }) => [path, f32(weights.get(path)!, shape)] as const);
    await writeFile(join(folder, name), writeSafetensors(Object.fromEntries(tensors)));
  }
  await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
});
afterAll(() => rm(folder, { recursive: true }));

describe.each(Object.keys(environments) as EnvironmentName[])('%s', (name) => {
  let environment: Environment;
  beforeAll(async () => {
    environment = await environments[name]({ serve: { '/model': folder } });
  }, 240_000);
  afterAll(() => environment.close());

  test('loads, generates, goes on and traces', async () => {
    const entry = join(import.meta.dirname, 'programs/tiny.ts');
    const result = await environment.run<{
      tokens: number[];
      logits: number[];
      trace: [string, number][];
      bytes: number;
    }>(entry, { args: { prompt } });
    const oracle = new TinyReference(program, weights);
    const rows = prompt.map((token) => oracle.feed(token));
    expect(result.tokens).toEqual(greedy(oracle, rows.at(-1)!.logits, 20));
    expect(difference(result.logits, oracle.feed(3).logits)).toBeLessThan(2e-6);
    const sums = [0, 1, 2, 3].map((i) => rows.flatMap(({ trace }) => trace[i]!).reduce((a, b) => a + b, 0));
    expect(
      difference(
        result.trace.slice(0, 4).map(([, sum]) => sum),
        sums,
      ),
    ).toBeLessThan(2e-5);
    expect(result.trace.map(([label]) => label)).toEqual(['embedding', 'layers.0', 'layers.1', 'layers.2', 'head']);
  }, 240_000);
});
