/** The emitted package: complete, deterministic, type-checked against the runtime, and safe whatever the source's texts hold. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { emit, packageNameOf } from '../../src/emit/emit.js';
import type { PackageFiles } from '../../src/emit/emit.js';
import { plan } from '../../src/plan/plan.js';
import { golden } from '../support/golden.js';

const { model } = golden('nh_a_gqa_g2');
const HOSTILE = 'Ends */ the comment, `closes` ${a} template | a | table <script>\nand a line \u2028 more';

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
  expect(typeErrors(await files(HOSTILE))).toEqual([]);
});

test('names of packages are what npm allows', () => {
  expect(packageNameOf('NemotronH8B')).toBe('nemotron-h8-b');
  expect(packageNameOf('Baseline830M')).toBe('baseline830-m');
  expect(packageNameOf('__')).toBe('model');
});

async function importModule(text: string): Promise<unknown> {
  return import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`);
}

/** Type-checks index.ts and a use of index.d.ts. */
function typeErrors(made: PackageFiles): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'hyb-emit-'));
  for (const [name, text] of made) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  writeFileSync(
    join(folder, 'use.ts'),
    "import { load, layers, vocab } from './index.js';\nexport const n: 256 = vocab;\nexport const first: 'M' | 'F' | 'A' = layers[0];\n" +
      "export const model = await load({ weights: 'x.safetensors' });\nexport const same = await load(undefined, { weights: 'x.safetensors' });\nexport const out: Float32Array[] = await model.logits([[1, 2]]);\n",
  );
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const program = ts.createProgram(
    ['use.ts', 'index.ts'].map((f) => join(folder, f)),
    {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.esnext.disposable.d.ts'],
      types: [join(root, 'node_modules/@webgpu/types')],
      paths: { '@hyb/runtime': [join(root, 'runtime/dist/index.d.ts')] },
    },
  );
  return ts.getPreEmitDiagnostics(program).map((d) => ts.flattenDiagnosticMessageText(d.messageText, '\n'));
}
