// Bundles the extension for desktop and browser, its server for both, and the page of its view, into dist.
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { workspaces } from '../playground/build.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const here = (file) => join(root, 'vscode', file);

/** Node's entry of Prettier brings the plugins of all languages; the formatter needs none of them. */
const prettierAlone = {
  name: 'prettier-alone',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^prettier$/ }, ({ resolveDir, kind }) => resolve('prettier/standalone', { resolveDir, kind }));
  },
};

/** What is in `dist` afterwards. */
export const BUILT = {
  // [entry, platform, format]
  'extension.js': ['src/extension.ts', 'node', 'cjs'],
  'extension-web.js': ['src/extension-web.ts', 'browser', 'cjs'],
  'server-node.js': ['src/server-node.ts', 'node', 'cjs'],
  'server-worker.js': ['../server/src/worker.ts', 'browser', 'iife'],
  'webview.js': ['src/webview/main.ts', 'browser', 'iife'],
  'webview.css': ['webview.css', 'browser', undefined],
};
export const COPIED = ['hyb.tmLanguage.json', 'hyb-markdown.tmLanguage.json', 'language-configuration.json'];

export async function build({ outdir = here('dist'), minify = true } = {}) {
  await rm(outdir, { recursive: true, force: true });
  await mkdir(outdir, { recursive: true });
  for (const [file, [entry, platform, format]] of Object.entries(BUILT)) {
    await esbuild.build({
      absWorkingDir: root,
      entryPoints: [here(entry)],
      outfile: join(outdir, file),
      bundle: true,
      platform,
      ...(format === undefined ? {} : { format }),
      target: platform === 'node' ? 'node20' : 'es2022',
      external: ['vscode'],
      // Language client and server have entries for browsers that Node's rules would pass over.
      ...(platform === 'browser' ? { conditions: ['browser'], mainFields: ['browser', 'module', 'main'] } : {}),
      minify,
      legalComments: 'none',
      logLevel: 'warning',
      plugins: [workspaces, prettierAlone],
    });
  }
  for (const file of COPIED) await copyFile(join(root, 'grammar/syntaxes', file), join(outdir, file));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
