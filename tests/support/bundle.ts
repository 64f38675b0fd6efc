import { createHash } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type BuildOptions } from 'esbuild';

export const root = join(import.meta.dirname, '../..');
/** Bundles are kept here; Chromium is served from it. */
export const cache = join(root, 'node_modules/.cache/hyb-tests');

/**
 * Bundles a module for another process or a browser, from sources, and returns the path of the bundle. Packages from
 * node_modules stay outside for Node and Deno and come along for browsers.
 */
export async function bundle(
  entry: string,
  options: BuildOptions & { platform?: 'node' | 'browser' } = {},
): Promise<string> {
  const platform = options.platform ?? 'node';
  const { outputFiles } = await build({
    entryPoints: [entry],
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform,
    logLevel: 'silent',
    ...(platform === 'node' ? { packages: 'external' as const } : {}),
    plugins: [workspaces],
    ...options,
  });
  return save(outputFiles![0]!.contents);
}

/** Writes a module under a name made of its content, so that tests that write the same at the same time agree. */
export async function save(code: string | Uint8Array): Promise<string> {
  const path = join(cache, `${createHash('sha256').update(code).digest('hex').slice(0, 16)}.mjs`);
  const unfinished = `${path}.${process.pid}`;
  await mkdir(cache, { recursive: true });
  await writeFile(unfinished, code);
  await rename(unfinished, path);
  return path;
}

/** `@hyb/x` means the sources of that workspace, as it does in jest; the adapter finds its files beside itself. */
const workspaces: NonNullable<BuildOptions['plugins']>[number] = {
  name: 'workspaces',
  setup({ onResolve }) {
    onResolve({ filter: /^@hyb\// }, ({ path }) => {
      const [, name, inner] = /^@hyb\/([a-z]+)(?:\/(.+))?$/.exec(path)!;
      if (name === 'adapter') return { path, external: true };
      return { path: join(root, name!, 'src', `${inner ?? 'index'}.ts`) };
    });
  },
};
