/** The emitted package: complete, deterministic, type-checked against the runtime, and safe whatever the source's texts hold. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, planModel } from '../../src/compile.js';
import { emit, packageNameOf } from '../../src/emit/emit.js';
import type { PackageFiles } from '../../src/emit/emit.js';
import { plan } from '../../src/plan/plan.js';
import { memoryHost } from '../../src/sources/host.js';
import { compiledRecipe } from '../../src/train/compiled.js';
import { golden } from '../support/golden.js';
import { typeErrors } from '../support/package-types.js';

const { model } = golden('nh_a_gqa_g2');
const SOURCE = `use std.{MLP, RMSNorm}
model Small {
  vocab = 257
  width = 16
  context = 64
  F = MLP(inner = 32)
  norm = { pre = RMSNorm }
  layers = [F]
  head = { norm = RMSNorm, tie = false }
}
/// Of <b> | \`c\`.
train Run of Small { batch = 2, steps = 4, rate = 1e-3 }
`;
const HOSTILE = 'Ends */ the comment, `closes` ${a} template | a | table <script>\nand a line \u2028 more';

const USE = `import { load, layers, vocab } from './index.js';
export const n: 256 = vocab;
export const first: 'M' | 'F' | 'A' = layers[0];
export const model = await load({ weights: 'x.safetensors' });
export const same = await load(undefined, { weights: 'x.safetensors' });
export const out: Float32Array[] = await model.logits([[1, 2]]);
`;

const files = async (doc?: string): Promise<PackageFiles> =>
  emit(plan(model, doc === undefined ? {} : { doc }), { runtimeVersion: '0.1.0' });

test('has an entry, its types, the program, the kernels and a page about them', async () => {
  const names = [...(await files()).keys()];
  expect(names).toEqual(
    expect.arrayContaining([
      'package.json',
      'README.md',
      'index.ts',
      'index.js',
      'index.d.ts',
      'program.js',
      'kernels.js',
    ]),
  );
  expect(names.filter((n) => n.endsWith('.wgsl')).length).toBeGreaterThan(5);
});

test('is the same byte for byte each time', async () => {
  expect([...(await files('a model'))]).toEqual([...(await files('a model'))]);
});

test('the strings in kernels.js are the files in kernels/', async () => {
  const made = await files(HOSTILE);
  const { kernels } = (await importModule(made.get('kernels.js')!)) as { kernels: Record<string, string> };
  const wgsl = [...made].filter(([n]) => n.endsWith('.wgsl'));
  expect(Object.keys(kernels)).toHaveLength(wgsl.length);
  for (const [name, text] of wgsl) expect(kernels[name.slice('kernels/'.length, -'.wgsl'.length)]).toBe(text);
});

test('no two files are one where a disk does not tell capitals from small letters', async () => {
  const source = SOURCE.replace('F = MLP(inner = 32)', 'F = MLP(inner = 32)\n  f = MLP(inner = 48)').replace(
    '[F]',
    '[F f]',
  );
  const { models } = check(memoryHost({ 'model.hyb': source }), 'model.hyb');
  const names = [...(await emit(planModel(models[0]!), { runtimeVersion: '0.1.0' })).keys()];
  expect(names.filter((name) => name.startsWith('kernels/f_')).length).toBeGreaterThan(0);
  expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
});

test('program.js holds the plan', async () => {
  const { program } = (await importModule((await files(HOSTILE)).get('program.js')!)) as { program: unknown };
  expect(program).toEqual(JSON.parse(JSON.stringify(plan(model, { doc: HOSTILE }).program)));
});

test('type-checks against the runtime, in strict mode, whatever the doc comment says', async () => {
  expect(typeErrors(await files(HOSTILE), USE)).toEqual([]);
});

test('names of packages are what npm allows', () => {
  expect(packageNameOf('NemotronH8B')).toBe('nemotron-h8-b');
  expect(packageNameOf('Baseline830M')).toBe('baseline830-m');
  expect(packageNameOf('__')).toBe('model');
});

describe('a package that trains', () => {
  const { trains, models } = check(memoryHost({ 'model.hyb': SOURCE }), 'model.hyb');
  const recipe = { ...trains[0]!, model: trains[0]!.model! };
  const planned = planModel(models[0]!, { training: true });
  const options = { runtimeVersion: '0.1.0' };
  const training = { recipe: compiledRecipe(recipe), files: { 'config.json': '{}' } };
  const trained = (): Promise<PackageFiles> => emit(planned, { ...options, training });

  test('is the other one and what trains, byte for byte each time', async () => {
    const [made, plain] = [await trained(), await emit(planModel(models[0]!), options)];
    expect([...(await trained())]).toEqual([...made]);
    for (const [name, text] of plain) {
      if (['package.json', 'README.md', 'index.ts', 'index.js', 'index.d.ts'].includes(name)) continue;
      expect([name, made.get(name) === text]).toEqual([name, true]);
    }
    const { files: listed } = JSON.parse(made.get('package.json')!) as { files: string[] };
    const isListed = (name: string): boolean =>
      listed.some((each) => (each.endsWith('.*') ? name.startsWith(each.slice(0, -1)) : name.startsWith(`${each}/`)));
    const usual = ['package.json', 'README.md'];
    expect([...made.keys()].filter((name) => !isListed(name) && !usual.includes(name))).toEqual([]);
    // Without a recipe nothing of a plan that could train comes along.
    expect([...(await emit(planned, options))]).toEqual([...plain]);
  });

  test('holds the whole program, every kernel as text and as a file, and the recipe', async () => {
    const made = await trained();
    const folder = mkdtempSync(join(tmpdir(), 'hyb-emit-'));
    for (const name of ['program.js', 'kernels.js', 'training.js', 'training-kernels.js', 'recipe.js'])
      writeFileSync(join(folder, name), made.get(name)!);
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const load = async (name: string): Promise<Record<string, unknown>> =>
      (await import(join(folder, name))) as Record<string, unknown>;
    expect((await load('training.js')).trainingProgram).toEqual(JSON.parse(JSON.stringify(planned.program)));
    const { trainingKernels } = await load('training-kernels.js');
    expect(trainingKernels).toEqual(
      Object.fromEntries([...planned.kernels].map(([name]) => [name, made.get(`kernels/${name}.wgsl`)])),
    );
    expect({ ...(await load('recipe.js')) }).toEqual({
      recipe: JSON.parse(JSON.stringify(training.recipe)) as unknown,
      checkpointFiles: training.files,
    });
    rmSync(folder, { recursive: true });
  });

  test('says on its page how to train, and type-checks', async () => {
    const made = await trained();
    expect(made.get('README.md')).toContain('| optimizer | AdamW |');
    // A doc comment cannot leave its place.
    expect(made.get('README.md')).toContain('&lt;b&gt; \\| \\`c\\`');
    const use = `import { recipe, train } from './index.js';
const files = undefined as unknown as import('@hyb/runtime').Files;
export const losses: number[] = [];
for await (const { loss } of train({ data: [new Blob(['x'])], files, recipe: { seed: 3 } })) losses.push(loss);
export const steps: number | undefined = recipe.steps?.value;
`;
    expect(typeErrors(made, use)).toEqual([]);
    expect(typeErrors(made, "import { train } from './index.js';\ntrain({});\n")).toEqual([
      expect.stringContaining("Property 'data' is missing"),
    ]);
  });
});

async function importModule(text: string): Promise<unknown> {
  return import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`);
}
