import { randomBytes } from 'node:crypto';
import { accessSync, chmodSync, constants, createReadStream, existsSync, lstatSync, mkdirSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';

const require = createRequire(import.meta.url);

/** The folder of the npm package that carries SwiftShader, a Vulkan loader and Chromium as compressed archives. */
function chromiumPackage(): string {
  const marker = join('node_modules', '@sparticuz', 'chromium');
  const entry = require.resolve('@sparticuz/chromium');
  return entry.slice(0, entry.lastIndexOf(marker + sep) + marker.length);
}

/** Where unpacked archives stay: `HYB_CACHE`, else `node_modules/.cache/hyb`, else a private folder for temporary files. */
export function cacheFolder(): string {
  const chosen = process.env.HYB_CACHE;
  if (chosen) return makeFolder(chosen);
  const modules = dirname(dirname(chromiumPackage()));
  try {
    accessSync(modules, constants.W_OK);
    return makeFolder(join(modules, '.cache', 'hyb'));
  } catch {
    return privateTemporaryFolder();
  }
}

function makeFolder(folder: string): string {
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Libraries are loaded from here, so nobody else may be able to put one there. */
function privateTemporaryFolder(): string {
  const user = process.getuid?.() ?? 0;
  const folder = join(tmpdir(), `hyb-cache-${user}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const status = lstatSync(folder);
  if (!status.isDirectory() || (process.getuid && status.uid !== user)) {
    throw new Error(`${folder} belongs to somebody else. Set HYB_CACHE to a folder of your own.`);
  }
  chmodSync(folder, 0o700);
  return folder;
}

/**
 * Unpacks files of `@sparticuz/chromium/bin` into one folder of the cache and returns it. Work is done once: the folder
 * appears complete or not at all, also when several processes ask for it at the same time.
 */
export async function unpack(
  name: string,
  archives: readonly string[],
  finish: (folder: string) => Promise<void> = async () => {},
): Promise<string> {
  const { version } = require(join(chromiumPackage(), 'package.json')) as { version: string };
  const folder = join(cacheFolder(), `${name}-${version}`);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(unfinished, { recursive: true });
    for (const archive of archives) await unpackOne(join(chromiumPackage(), 'bin', archive), unfinished);
    await finish(unfinished);
    await rename(unfinished, folder).catch((error: unknown) => {
      // Another process was faster, and its folder is as good as this one.
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return folder;
}

async function unpackOne(archive: string, folder: string): Promise<void> {
  const source = createReadStream(archive, { highWaterMark: 1 << 22 });
  const decompressed = createBrotliDecompress({ chunkSize: 1 << 21 });
  if (archive.endsWith('.tar.br')) {
    const { extract } = await import('tar-fs');
    // The archive names an owner of its own, whom root would otherwise obey. (`chown` is missing in the types.)
    const options = { chown: false, dmode: 0o755, fmode: 0o644 };
    await pipeline(source, decompressed, extract(folder, options));
  } else {
    const { createWriteStream } = await import('node:fs');
    await pipeline(source, decompressed, createWriteStream(join(folder, basename(archive, '.br')), { mode: 0o755 }));
  }
}
