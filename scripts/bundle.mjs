// Bundles the command line into few files, since hundreds of small modules would cost more than the work itself.
// What is imported dynamically stays in chunks of its own, and what is large or native stays in node_modules.
import { readFile, rm } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = `${root}cli/dist/bundle`;
await rm(outdir, { recursive: true, force: true });
// A package that finds files beside its modules must find them from the bundle too.
const places = {
  name: 'places',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\](grammar|compiler|runtime|adapter|server)[/\\]dist[/\\].*\.js$/ }, async ({ path }) => {
      const code = await readFile(path, 'utf8');
      const [name, , ...inner] = relative(root, path).split(/[/\\]/);
      const place = JSON.stringify(`@hyb/${name}/${inner.join('/').replace(/\.js$/, '')}`);
      return { contents: code.replaceAll('import.meta.url', `import.meta.resolve(${place})`) };
    });
  },
};

// Node looks through the whole text of a CommonJS module for names to import, which for TypeScript's nine megabytes takes a
// quarter of a second. Required, it is only run.
const required = {
  name: 'required',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^ts-morph$/ }, ({ path }) => ({ path, namespace: 'required' }));
    onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({
      contents: `const { Project, VariableDeclarationKind, ts } = __hybRequire(import.meta.url)(${JSON.stringify(path)});
        export { Project, VariableDeclarationKind, ts };`,
    }));
  },
};

await build({
  absWorkingDir: root,
  entryPoints: { hyb: 'cli/src/index.ts' },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['webgpu', '@sparticuz/chromium', 'playwright-core', 'tar-fs', 'prettier', 'prettier/*', 'esbuild'],
  minifySyntax: true,
  plugins: [places, required],
  legalComments: 'none',
  // CommonJS dependencies still call `require` for Node's own modules.
  banner: {
    js: "import { createRequire as __hybRequire } from 'node:module'; const require = __hybRequire(import.meta.url);",
  },
  logLevel: 'warning',
});

// What `hyb verify` runs in browsers and in Deno: one module without imports.
await build({
  absWorkingDir: root,
  entryPoints: { 'verify-page': 'cli/src/verify/page.ts' },
  outdir,
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  external: ['node:*'],
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
});

// The language server as a web worker: no imports but those of its own chunks; the formatter comes when it is asked for.
await rm(`${root}server/dist/bundle`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { worker: 'server/src/worker.ts' },
  outdir: `${root}server/dist/bundle`,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
});
