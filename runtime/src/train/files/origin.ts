/** The private file system of a page's origin (OPFS). */
import { TrainingError } from '../../errors.js';
import { messageOf } from '../../messages.js';
import { blobSource } from '../../weights/sources/memory.js';
import { pathParts } from './path.js';
import type { Files, FileWriter } from './types.js';

/**
 * A folder in the private file system of the page's origin. Browsers cannot move folders there, so that their files are
 * moved one by one: what is in a folder must say itself whether it is whole.
 *
 * @throws TrainingError `storage-failed` where there is no such file system
 */
export async function originFiles(folder: string): Promise<Files> {
  const { storage } = globalThis.navigator ?? {};
  if (storage?.getDirectory === undefined) {
    throw new TrainingError('storage-failed', 'This environment has no private file system: use `memoryFiles`.');
  }
  let root = await storage.getDirectory();
  for (const part of pathParts(folder)) root = await root.getDirectoryHandle(part, { create: true });
  return directoryFiles(root, folder);
}

/** Any folder that a page has a handle of, such as one that its user picked. */
export function directoryFiles(root: FileSystemDirectoryHandle, name = root.name): Files {
  const attempt = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      throw storageError(`${name}/${path}`, cause);
    }
  };
  const folderOf = async (parts: readonly string[], create: boolean): Promise<FileSystemDirectoryHandle> => {
    let at = root;
    for (const part of parts) at = await at.getDirectoryHandle(part, { create });
    return at;
  };
  const place = async (path: string, create: boolean): Promise<[FileSystemDirectoryHandle, string]> => {
    const parts = pathParts(path);
    return [await folderOf(parts.slice(0, -1), create), parts.at(-1) ?? ''];
  };
  const find = async (path: string): Promise<FileSystemHandle | undefined> => {
    try {
      const [folder, last] = await place(path, false);
      if (last === '') return folder;
      return await folder.getFileHandle(last).catch((error: unknown) => {
        if (nameOf(error) === 'TypeMismatchError') return folder.getDirectoryHandle(last);
        throw error;
      });
    } catch (error) {
      if (nameOf(error) === 'NotFoundError') return undefined;
      throw error;
    }
  };
  const open = (path: string, keepExistingData: boolean): Promise<FileWriter> =>
    attempt(path, async () => {
      const [folder, last] = await place(path, true);
      const handle = await folder.getFileHandle(last, { create: true });
      const stream = await handle.createWritable({ keepExistingData });
      if (keepExistingData) await stream.seek((await handle.getFile()).size);
      return {
        write: (bytes) => attempt(path, () => stream.write(bytes as Uint8Array<ArrayBuffer>)),
        close: () => attempt(path, () => stream.close()),
        abort: () => stream.abort().catch(() => undefined),
      };
    });
  return {
    name,
    list: (path) =>
      attempt(path, async () => {
        const folder = await find(path);
        if (folder?.kind !== 'directory') return [];
        const entries: { name: string; kind: 'file' | 'folder' }[] = [];
        for await (const [entry, handle] of (folder as FileSystemDirectoryHandle).entries()) {
          entries.push({ name: entry, kind: handle.kind === 'directory' ? 'folder' : 'file' });
        }
        return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
      }),
    exists: (path) => attempt(path, async () => (await find(path)) !== undefined),
    open: (path) =>
      attempt(path, async () => {
        const [folder, last] = await place(path, false);
        return blobSource(await (await folder.getFileHandle(last)).getFile(), `${name}/${path}`);
      }),
    create: (path) => open(path, false),
    append: (path) => open(path, true),
    move: (from, to) =>
      attempt(from, async () => {
        const handle = await find(from);
        if (handle === undefined) throw new DOMException(`There is no ${from}.`, 'NotFoundError');
        const [folder, last] = await place(to, true);
        if (handle.kind === 'file') return moveFile(handle as FileSystemFileHandle, folder, last);
        await moveFolder(handle as FileSystemDirectoryHandle, await folder.getDirectoryHandle(last, { create: true }));
        const [old, oldName] = await place(from, false);
        await old.removeEntry(oldName, { recursive: true });
      }),
    remove: (path) =>
      attempt(path, async () => {
        if ((await find(path)) === undefined) return;
        const [folder, last] = await place(path, false);
        await folder.removeEntry(last, { recursive: true });
      }),
  };
}

async function moveFolder(from: FileSystemDirectoryHandle, to: FileSystemDirectoryHandle): Promise<void> {
  const entries: [string, FileSystemHandle][] = [];
  for await (const entry of from.entries()) entries.push(entry);
  for (const [name, handle] of entries) {
    if (handle.kind === 'file') await moveFile(handle as FileSystemFileHandle, to, name);
    else {
      const folder = await to.getDirectoryHandle(name, { create: true });
      await moveFolder(handle as FileSystemDirectoryHandle, folder);
    }
  }
}

/** Browsers have `move`, which their type declarations lack; without it the bytes are copied. */
async function moveFile(file: FileSystemFileHandle, folder: FileSystemDirectoryHandle, name: string): Promise<void> {
  const { move } = file as { move?: (folder: FileSystemDirectoryHandle, name: string) => Promise<void> };
  if (move !== undefined) return move.call(file, folder, name);
  const target = await folder.getFileHandle(name, { create: true });
  await (await file.getFile()).stream().pipeTo(await target.createWritable());
}

function nameOf(error: unknown): unknown {
  return (error as { name?: unknown } | null)?.name;
}

function storageError(path: string, cause: unknown): TrainingError {
  if (cause instanceof TrainingError) return cause;
  const full = nameOf(cause) === 'QuotaExceededError';
  const problem = full ? 'The browser gives this page no more room' : `It cannot be used: ${messageOf(cause)}`;
  return new TrainingError(full ? 'storage-full' : 'storage-failed', `${path}: ${problem}.`, { cause });
}
