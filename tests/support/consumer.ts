/** A project of a user's, outside the repository: packages packed by npm and installed there, a module that uses them. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { PackageFiles } from '@hyb/compiler/emit/emit';
import { build } from 'esbuild';
import { root, save } from './bundle.js';

const run = promisify(execFile);

export interface Consumer {
  readonly folder: string;
  /** Path of the module with all that it needs, for an environment. */
  bundle(): Promise<string>;
  /** @throws Error with what the compiler says */
  typeCheck(): Promise<void>;
  remove(): Promise<void>;
}

/**
 * @param packages compiled packages by name, beside the runtime
 * @param module path in the repository of what uses them
 */
export async function installConsumer(packages: ReadonlyMap<string, PackageFiles>, module: string): Promise<Consumer> {
  const folder = await mkdtemp(join(tmpdir(), 'hyb-consumer-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const tarballs = [await pack(join(root, 'runtime'), folder)];
    for (const [name, files] of packages) {
      const source = join(folder, 'packages', name);
      for (const [file, text] of files) {
        await mkdir(dirname(join(source, file)), { recursive: true });
        await writeFile(join(source, file), text);
      }
      tarballs.push(await pack(source, folder));
    }
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs], { cwd: folder });
    await cp(join(root, module), join(folder, 'main.ts'));
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    folder,
    bundle: () => bundle(folder),
    typeCheck: () =>
      run(join(root, 'node_modules/.bin/tsc'), ['-p', folder]).then(
        () => undefined,
        (error: { stdout?: string }) => {
          throw new Error(error.stdout);
        },
      ),
    remove,
  };
}

/** What `npm pack` makes of a package, in the consumer's folder. */
async function pack(source: string, folder: string): Promise<string> {
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: source });
  return `./${stdout.trim().split('\n').pop()!}`;
}

async function bundle(folder: string): Promise<string> {
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
  return save(outputFiles[0]!.contents);
}

const TSCONFIG = {
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
};
