// How the pages of the examples are made: a compiled package, and a page that is bundled with it.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Compiles a model to a package in `out/package` and bundles `page` (a folder with `index.html` and `main.ts`, which imports the
 * package by its name) into `out/page`. Needs `npm run build`.
 *
 * @param {{ source: string, name: string, page: string, out: string, train?: boolean }} options `out`: the folder to make
 */
export async function buildPage({ source, name, page, out, train = false }) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const args = ['build', source, '--output', join(out, 'package'), '--package', name, ...(train ? ['--train'] : [])];
  const hyb = [join(root, 'cli/bin/hyb.js'), ...args];
  const { status } = spawnSync(process.execPath, hyb, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`hyb build ${source} ended with ${status}.`);
  await build({
    entryPoints: [join(page, 'main.ts')],
    outfile: join(out, 'page/main.js'),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    external: ['node:*'],
    minify: true,
    alias: {
      [name]: join(out, 'package/index.js'),
      '@hyb/runtime': join(root, 'runtime/dist/index.js'),
    },
    logLevel: 'warning',
  });
  cpSync(join(page, 'index.html'), join(out, 'page/index.html'));
}
