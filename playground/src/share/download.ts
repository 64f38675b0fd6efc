/** Hands a file to the user. */
import { strToU8, zipSync } from 'fflate';

/** @param files texts by path */
export function zip(folder: string, files: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(files).map(([path, text]) => [`${folder}/${path}`, strToU8(text)] as const);
  // Equal packages are equal files: no times.
  return zipSync(Object.fromEntries(entries), { mtime: new Date(1980, 0, 1) });
}

export function download(name: string, bytes: Uint8Array<ArrayBuffer>): void {
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/zip' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
