// Bundles the playground from the sources of all packages into static files. `build(folder)` writes them there.
import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { readChapters } from '../examples/training/text.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const FIRST = 'demo/tiny-hybrid.hyb';
/** Of the novel that models in the tab learn from. */
const CHAPTERS = 16;

/** `@hyb/x` means the sources of that workspace. */
export const workspaces = {
  name: 'workspaces',
  setup({ onResolve }) {
    onResolve({ filter: /^@hyb\// }, ({ path }) => {
      const [, name, inner] = /^@hyb\/([a-z]+)(?:\/(.+))?$/.exec(path);
      return { path: join(root, name, 'src', `${inner ?? 'index'}.ts`) };
    });
  },
};

/** Node's modules are imported only where there is Node; packages that ask for them without need get nothing. */
const noNode = {
  name: 'no-node',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'dynamic-import' ? { path, external: true } : { path, namespace: 'no-node' },
    );
    onLoad({ filter: /.*/, namespace: 'no-node' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** A CommonJS package that is imported dynamically into chunks has no names of its own: these are what the compiler uses. */
const tsMorph = {
  name: 'ts-morph',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^ts-morph$/ }, ({ path, namespace }) =>
      namespace === 'ts-morph' ? undefined : { path, namespace: 'ts-morph' },
    );
    onLoad({ filter: /.*/, namespace: 'ts-morph' }, () => ({
      contents: `import all from 'ts-morph';\nexport const { Project, ts, VariableDeclarationKind } = all;`,
      resolveDir: join(root, 'compiler'),
    }));
  },
};

/** Chapters of Moby-Dick, which is in the public domain: a text to train on, small enough to be fetched without a thought. */
const text = {
  name: 'text',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^playground:text$/ }, ({ path }) => ({ path, namespace: 'text' }));
    onLoad({ filter: /.*/, namespace: 'text' }, async () => {
      return { contents: `export const text = ${JSON.stringify(await readChapters(1, CHAPTERS))};` };
    });
  },
};

/** Models of the repository as modules. */
const examples = {
  name: 'examples',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^playground:example/ }, ({ path }) => ({ path, namespace: 'examples' }));
    onLoad({ filter: /.*/, namespace: 'examples' }, async ({ path }) => {
      const texts = {};
      for (const folder of ['demo', 'examples/blocks', 'examples/training', 'models']) {
        const files = (await readdir(join(root, folder))).filter((file) => file.endsWith('.hyb')).sort();
        for (const file of files) texts[`${folder}/${file}`] = await readFile(join(root, folder, file), 'utf8');
      }
      const list = { paths: Object.keys(texts), first: { path: FIRST, text: texts[FIRST] } };
      const values = path === 'playground:examples' ? { texts } : list;
      const lines = Object.entries(values).map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`);
      return { contents: lines.join('\n') };
    });
  },
};

/** @returns what esbuild knows of the outputs, for those who check their sizes */
export async function build(outdir, { minify = true } = {}) {
  await mkdir(outdir, { recursive: true });
  const here = (file) => join(root, 'playground', file);
  const { metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: {
      main: here('src/main.ts'),
      'compiler-worker': here('src/compiler/worker.ts'),
      'run-worker': here('src/run/worker.ts'),
      'server-worker': join(root, 'server/src/worker.ts'),
      playground: here('playground.css'),
    },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify,
    metafile: true,
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    logLevel: 'warning',
    plugins: [workspaces, noNode, tsMorph, text, examples],
  });
  for (const file of ['index.html', 'icon.svg']) await copyFile(here(file), join(outdir, file));
  return metafile;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await build(process.argv[2] ?? join(root, 'build/site/playground'));
