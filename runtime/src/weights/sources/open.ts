import type { ByteSource, FileSource } from '../types.js';
import { fileSource } from './file.js';
import { blobSource, bytesSource } from './memory.js';
import { urlSource } from './url.js';

/** Opens a file wherever it is. Strings that are no URLs are paths. */
export async function openFile(file: FileSource, signal: AbortSignal | undefined): Promise<ByteSource> {
  signal?.throwIfAborted();
  if (typeof file === 'string' || file instanceof URL) {
    const remote = isUrl(file) && new URL(file).protocol !== 'file:';
    return remote ? urlSource(file, { signal }) : fileSource(isUrl(file) ? new URL(file) : file);
  }
  if (file instanceof Blob) return blobSource(file);
  if (ArrayBuffer.isView(file)) return bytesSource(new Uint8Array(file.buffer, file.byteOffset, file.byteLength));
  if (isBuffer(file)) return bytesSource(new Uint8Array(file));
  return file;
}

export function isBuffer(source: unknown): source is ArrayBuffer | Uint8Array {
  return ArrayBuffer.isView(source) || Object.prototype.toString.call(source) === '[object ArrayBuffer]';
}

export function isUrl(address: string | URL): boolean {
  return address instanceof URL || /^(https?|file|blob|data):/.test(address);
}
