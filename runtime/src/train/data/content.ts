/**
 * Digests of the contents of files. Those of files on disk are kept beside what the file system says of them, so that data of many
 * gigabytes is not read at every start only to find that it is the same.
 */
import { replaceText, readJson } from '../files/text.js';
import type { FileState, Files } from '../files/types.js';
import { digest, digestPieces } from './digest.js';
import type { DataFile } from './files.js';
import { readBytes } from './read.js';
import type { ReadOptions } from './read.js';

/**
 * Clocks of file systems are coarse: a file that changed so shortly before it was read may change again without a trace. Its
 * digest is not kept. In milliseconds.
 */
const SETTLED = 2000;

interface Kept {
  readonly state: string;
  readonly digest: string;
}

/** @param cache where digests are kept, under `digests` */
export async function contentDigest(file: DataFile, cache: Files, options: ReadOptions): Promise<string> {
  const before = await file.state?.();
  if (before === undefined) return digestPieces(readBytes(file, options));
  const place = `digests/${(await digest(before.path)).slice(0, 32)}.json`;
  const kept = await readKept(cache, place);
  if (kept?.state === before.state) {
    options.onBytes?.(before.size);
    return kept.digest;
  }
  const started = Date.now();
  const made = await digestPieces(readBytes(file, options));
  const after = await file.state!();
  if (isSettled(before, after, started)) {
    const text = `${JSON.stringify({ path: before.path, state: before.state, digest: made }, undefined, 2)}\n`;
    // It only saves time: where it cannot be written, the next start reads again.
    await replaceText(cache, place, text).catch(() => undefined);
  }
  return made;
}

function isSettled(before: FileState, after: FileState | undefined, started: number): boolean {
  return after?.state === before.state && before.changed < started - SETTLED;
}

async function readKept(cache: Files, place: string): Promise<Kept | undefined> {
  if (!(await cache.exists(place))) return undefined;
  const value = (await readJson(cache, place).catch(() => undefined)) as Partial<Kept> | null | undefined;
  return typeof value?.state === 'string' && /^[0-9a-f]{64}$/.test(value.digest ?? '') ? (value as Kept) : undefined;
}
