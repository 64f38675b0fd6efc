// Builds the page with a compiled package and serves it on this machine only:
//   node examples/web/serve.mjs [SOURCE] [CHECKPOINT] [--port PORT]
// SOURCE is a .hyb file or a Hugging Face folder, CHECKPOINT a folder with safetensors; by default a tiny model with random
// weights. Needs `npm run build`, or `npm run demo`, which does it.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { serve } from '../../cli/dist/environments/server.js';
import { buildPage as build, root } from '../pages.mjs';

/** @param {{ source: string, out: string }} options `out`: the folder to make */
export function buildPage(options) {
  return build({ ...options, name: 'tiny-hybrid', page: fileURLToPath(new URL('.', import.meta.url)) });
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
