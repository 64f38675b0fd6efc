/** Files on disk, in Node and Deno. Their modules are loaded when they are used, so that pages can load this file. */
import { TrainingError } from '../../errors.js';
import { messageOf } from '../../messages.js';
import { fileSource } from '../../weights/sources/file.js';
import { pathParts } from './path.js';
import type { Files, FileWriter } from './types.js';

/** What is used of `node:fs/promises`. */
interface FileSystem {
  readdir(path: string, options: { withFileTypes: true }): Promise<{ name: string; isDirectory(): boolean }[]>;
  stat(path: string, options: { bigint: true }): Promise<Stats>;
  open(path: string, flags: string): Promise<Handle>;
  mkdir(path: string, options: { recursive: true }): Promise<unknown>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { recursive: true; force: true }): Promise<void>;
}

interface Stats {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

interface Handle {
  write(bytes: Uint8Array, offset: number, length: number): Promise<{ bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

async function load(): Promise<FileSystem> {
  // Not a literal, so that bundlers for browsers do not look for it.
  const module = ['node', 'fs/promises'].join(':');
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ module)) as FileSystem;
  } catch (cause) {
    throw new TrainingError(
      'storage-failed',
      'There are no files here: keep a run in `originFiles` or `memoryFiles`.',
      {
        cause,
      },
    );
  }
}

/** A folder on disk, which need not be there yet. */
export function diskFiles(folder: string): Files {
  const base = folder.replace(/[/\\]+$/, '');
  const place = (path: string): string => [base, ...pathParts(path)].join('/');
  const attempt = <T>(path: string, work: (fs: FileSystem, absolute: string) => Promise<T>): Promise<T> =>
    load().then((fs) =>
      work(fs, place(path)).catch((cause: unknown) => {
        throw storageError(place(path), cause);
      }),
    );
  const open = async (path: string, flags: string): Promise<FileWriter> => {
    const handle = await attempt(path, async (fs, absolute) => {
      await fs.mkdir(parent(absolute), { recursive: true });
      return fs.open(absolute, flags);
    });
    return diskWriter(handle, place(path));
  };
  return {
    name: folder,
    list: (path) =>
      attempt(path, async (fs, absolute) => {
        const entries = await fs.readdir(absolute, { withFileTypes: true }).catch((error: unknown) => {
          if (codeOf(error) === 'ENOENT') return [];
          throw error;
        });
        return entries
          .map((entry) => ({ name: entry.name, kind: entry.isDirectory() ? ('folder' as const) : ('file' as const) }))
          .sort((a, b) => (a.name < b.name ? -1 : 1));
      }),
    exists: (path) =>
      attempt(path, (fs, absolute) =>
        fs.stat(absolute, { bigint: true }).then(
          () => true,
          (error: unknown) => {
            if (codeOf(error) === 'ENOENT') return false;
            throw error;
          },
        ),
      ),
    open: (path) => fileSource(place(path)),
    state: (path) =>
      attempt(path, async (fs, absolute) => {
        const { dev, ino, size, mtimeNs, ctimeNs } = await fs.stat(absolute, { bigint: true });
        return {
          path: absolute,
          size: Number(size),
          state: [dev, ino, size, mtimeNs, ctimeNs].join(' '),
          changed: Number((mtimeNs > ctimeNs ? mtimeNs : ctimeNs) / 1_000_000n),
        };
      }),
    create: (path) => open(path, 'w'),
    append: (path) => open(path, 'a'),
    move: (from, to) =>
      attempt(from, async (fs, absolute) => {
        const target = place(to);
        await fs.mkdir(parent(target), { recursive: true });
        await fs.rename(absolute, target);
        await syncFolder(fs, parent(target));
      }),
    remove: (path) => attempt(path, (fs, absolute) => fs.rm(absolute, { recursive: true, force: true })),
  };
}

function diskWriter(handle: Handle, name: string): FileWriter {
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (cause) {
      throw storageError(name, cause);
    }
  };
  return {
    write: (bytes) =>
      attempt(async () => {
        for (let at = 0; at < bytes.byteLength;) {
          at += (await handle.write(bytes, at, bytes.byteLength - at)).bytesWritten;
        }
      }),
    close: () =>
      attempt(async () => {
        try {
          await handle.sync();
        } finally {
          await handle.close();
        }
      }),
    abort: () => handle.close().catch(() => undefined),
  };
}

/** A renamed folder survives a loss of power only once the folder above it is written. Windows cannot do this, nor has to. */
async function syncFolder(fs: FileSystem, folder: string): Promise<void> {
  const handle = await fs.open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

function parent(path: string): string {
  return path.replace(/[/\\][^/\\]*$/, '') || '/';
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}

function storageError(path: string, cause: unknown): TrainingError {
  const full = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(String(codeOf(cause)));
  const problem = full ? 'There is no room left on the disk' : `It cannot be used: ${messageOf(cause)}`;
  return new TrainingError(full ? 'storage-full' : 'storage-failed', `${path}: ${problem}.`, { cause });
}
