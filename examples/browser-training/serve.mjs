// Builds the page with a package that trains and serves it on this machine only:
//   node examples/browser-training/serve.mjs [--port PORT]
// Needs `npm run build`, or `npm run demo`, which does it.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { serve } from '../../cli/dist/environments/server.js';
import { buildPage, root } from '../pages.mjs';
import { writeText } from '../training/text.mjs';

/** The page, the package in it, and the texts of `examples/training`. */
export async function buildTrainingPage({ out }) {
  const page = fileURLToPath(new URL('.', import.meta.url));
  await buildPage({ source: join(root, 'examples/training/novel.hyb'), name: 'novelist', page, out, train: true });
  await writeText(join(out, 'page/text'));
}

/** Serves a built page on the loopback interface. */
export function servePage({ out, port = 0 }) {
  return serve(new Map([['', join(out, 'page')]]), port);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { port: { type: 'string' } } });
  const out = join(root, 'build/browser-training');
  await buildTrainingPage({ out });
  const { base } = await servePage({ out, port: Number(values.port ?? 8081) });
  console.log(`${base}/ (Ctrl-C ends it)`);
}
