import { WeightsError } from '../../errors.js';
import { messageOf } from '../../messages.js';
import type { ByteSource } from '../types.js';
import { checkRange } from './range.js';

/** What is used of `node:fs/promises`, which Node and Deno have and browsers have not. */
interface FileSystem {
  open(path: string | URL, flags: string): Promise<FileHandle>;
  stat(path: string | URL): Promise<{ size: number; isDirectory(): boolean }>;
}
interface FileHandle {
  stat(): Promise<{ size: number; isDirectory(): boolean }>;
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  close(): Promise<void>;
}

/** @throws WeightsError `source-failed` where there are no files */
export async function fileSystem(): Promise<FileSystem> {
  // Not a literal, so that bundlers for browsers do not look for it.
  const module = ['node', 'fs/promises'].join(':');
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ module)) as FileSystem;
  } catch (cause) {
    throw new WeightsError('source-failed', 'Paths of files cannot be read here: hand over a URL, a File or a Blob.', {
      cause,
    });
  }
}

/** A file, by path or `file:` URL. It stays open until `close`. */
export async function fileSource(path: string | URL): Promise<ByteSource> {
  const name = typeof path === 'string' ? path : decodeURIComponent(path.pathname);
  const handle = await (await fileSystem()).open(path, 'r').catch((cause: unknown) => {
    throw new WeightsError('source-failed', `${name} cannot be opened: ${messageOf(cause)}`, { cause });
  });
  const { size } = await handle.stat();
  return {
    name,
    size,
    async read(offset, length, { signal, into } = {}) {
      signal?.throwIfAborted();
      checkRange(name, size, offset, length);
      const buffer = into ?? new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await handle.read(buffer, done, length - done, offset + done);
        if (bytesRead === 0) throw new WeightsError('source-failed', `${name} became shorter while it was read.`);
        done += bytesRead;
      }
      return buffer.subarray(0, length);
    },
    close: () => handle.close(),
  };
}
