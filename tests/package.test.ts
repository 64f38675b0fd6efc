/**
 * Compiled packages as a user has them: the runtime and three packages packed by npm, installed in a folder outside the
 * repository, type-checked there, bundled, and run in Node, Chromium and Deno against the recorded originals.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { root, save } from './support/bundle.js';
import { environments, type EnvironmentName } from './support/environments.js';
import { GOLDENS, goldenPackage } from './support/golden-package.js';

const run = promisify(execFile);
const TOLERANCE = 1e-4;
let folder: string;
let bundled: string;

/** What `npm pack` makes of a package, in the consumer's folder. */
async function pack(source: string): Promise<string> {
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: source });
  return `./${stdout.trim().split('\n').pop()!}`;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hyb-consumer-'));
  const tarballs = [await pack(join(root, 'runtime'))];
  for (const name of GOLDENS) {
    const source = join(folder, 'packages', name);
    for (const [file, text] of await goldenPackage(name)) {
      await mkdir(dirname(join(source, file)), { recursive: true });
      await writeFile(join(source, file), text);
    }
    tarballs.push(await pack(source));
  }
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs], { cwd: folder });
  await cp(join(root, 'tests/consumer/main.ts'), join(folder, 'main.ts'));
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noUncheckedIndexedAccess: true,
        noEmit: true,
        // TypeScript's own DOM library has come to declare WebGPU too, in ways that differ from @webgpu/types.
        skipLibCheck: true,
        target: 'es2022',
        lib: ['es2022', 'dom'],
        module: 'nodenext',
        moduleResolution: 'nodenext',
        types: ['@webgpu/types'],
      },
      files: ['main.ts'],
    }),
  );
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'main.ts')],
    absWorkingDir: folder,
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    external: ['node:*'],
    logLevel: 'silent',
  });
  bundled = await save(outputFiles[0]!.contents);
}, 300_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

test('the installed packages depend on the runtime alone', async () => {
  expect((await readdir(join(folder, 'node_modules/@hyb'))).sort()).toEqual(['runtime']);
});

test('they type-check against their declarations, strictly', async () => {
  await run(join(root, 'node_modules/.bin/tsc'), ['-p', folder]).catch((error: { stdout?: string }) => {
    throw new Error(error.stdout);
  });
}, 120_000);

test.each(Object.keys(environments) as EnvironmentName[])(
  'they compute in %s what the originals computed',
  async (name) => {
    const environment = await environments[name]({ serve: { '/golden': join(root, 'tests/golden') } });
    try {
      const results = await environment.runBundle<
        Record<string, { prompt: number; decode: number; dispatches: number; generated: boolean }>
      >(bundled, { timeout: 400_000 });
      expect(Object.keys(results)).toEqual([...GOLDENS]);
      for (const result of Object.values(results)) {
        expect(result.prompt).toBeLessThan(TOLERANCE);
        expect(result.decode).toBeLessThan(TOLERANCE);
        expect(result.generated).toBe(true);
      }
    } finally {
      await environment.close();
    }
  },
  420_000,
);
