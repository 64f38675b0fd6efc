// Builds the page with a compiled package and serves it on this machine only:
//   node examples/web/serve.mjs [SOURCE] [CHECKPOINT] [--port PORT]
// SOURCE is a .hyb file or a Hugging Face folder, CHECKPOINT a folder with safetensors; by default a tiny model with random
// weights. Needs `npm run build`, or `npm run demo`, which does it.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { serve } from '../../cli/dist/environments/server.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));

/**
 * Compiles the model to a package and bundles the page with it.
 *
 * @param {{ source: string, out: string }} options `out`: the folder to make
 */
export async function buildPage({ source, out }) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const hyb = [
    join(root, 'cli/bin/hyb.js'),
    'build',
    source,
    '--output',
    join(out, 'package'),
    '--package',
    'tiny-hybrid',
  ];
  const { status } = spawnSync(process.execPath, hyb, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`hyb build ${source} ended with ${status}.`);
  await build({
    entryPoints: [join(here, 'main.ts')],
    outfile: join(out, 'page/main.js'),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    external: ['node:*'],
    minify: true,
    alias: {
      'tiny-hybrid': join(out, 'package/index.js'),
      '@hyb/runtime': join(root, 'runtime/dist/index.js'),
    },
    logLevel: 'warning',
  });
  cpSync(join(here, 'index.html'), join(out, 'page/index.html'));
}

/** Serves a built page and a checkpoint on the loopback interface, with ranges. */
export function servePage({ out, checkpoint, port = 0 }) {
  const served = new Map([
    ['/checkpoint', checkpoint],
    ['', join(out, 'page')],
  ]);
  return serve(served, port);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { port: { type: 'string' } } });
  const [source = join(root, 'demo/tiny-hybrid.hyb'), checkpoint = join(root, 'tests/golden/nh_a_gqa_g2')] =
    positionals;
  for (const path of [source, checkpoint]) if (!existsSync(path)) throw new Error(`There is no ${path}.`);
  const out = join(root, 'build/web');
  await buildPage({ source: resolve(source), out });
  const { base } = await servePage({ out, checkpoint: resolve(checkpoint), port: Number(values.port ?? 8080) });
  console.log(`${base}/ (Ctrl-C ends it)`);
}
