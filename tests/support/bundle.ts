import { createHash } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type BuildOptions } from 'esbuild';

export const root = join(import.meta.dirname, '../..');
const folder = join(root, 'node_modules/.cache/hyb-tests');

/**
 * Bundles a module for another process or a browser, from sources, and returns the path of the bundle. Packages from
 * node_modules stay outside for Node and Deno and come along for browsers.
 */
export async function bundle(entry: string, options: BuildOptions & { platform?: 'node' | 'browser' } = {}): Promise<string> {
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
  const code = outputFiles![0]!.contents;
  // Named by content: equal bundles are equal files, also when several tests write them at once.
  const path = join(folder, `${createHash('sha256').update(code).digest('hex').slice(0, 16)}.mjs`);
  await mkdir(folder, { recursive: true });
  await writeFile(`${path}.${process.pid}`, code);
  await rename(`${path}.${process.pid}`, path);
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
