/** The emitted package: complete, deterministic, type-checked against the runtime, and safe whatever the source's texts hold. */
import { emit, packageNameOf } from '../../src/emit/emit.js';
import type { PackageFiles } from '../../src/emit/emit.js';
import { plan } from '../../src/plan/plan.js';
import { golden } from '../support/golden.js';
import { typeErrors } from '../support/package-types.js';

const { model } = golden('nh_a_gqa_g2');
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

async function importModule(text: string): Promise<unknown> {
  return import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`);
}
