/** Puts a checkpoint's folder on disk: beside its place first, then moved there whole. */
import { copyFile, mkdir, open, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeSafetensors } from '@hyb/runtime';
import { copyParameters } from '@hyb/runtime/weights/copy-parameters';
import { formatBytes } from '@hyb/compiler/inspect/units';
import { makeFolders, takePlace, withTemporary } from '../files/write.js';
import { CliError } from '../terminal/errors.js';
import { indexOf, shareOut } from './shards.js';
import type { Shard } from './shards.js';
import type { ExportedTensor } from './tensors.js';

export interface FolderContent {
  /** Path inside the folder to text. */
  readonly texts: ReadonlyMap<string, string>;
  readonly tensors: readonly ExportedTensor[];
  /** Files to copy: name in the folder to path. */
  readonly copies: ReadonlyMap<string, string>;
  readonly shardBytes: number;
}

export interface WrittenFile {
  readonly file: string;
  readonly bytes: number;
}

/** What earlier exports have written to a folder. */
const OWN = /^(config\.json|model(-\d{5}-of-\d{5})?\.safetensors|model\.safetensors\.index\.json|source)$/;

export const isOwn = (entry: string): boolean => OWN.test(entry);

/** @param onProgress receives the share of tensors' bytes that are written */
export async function writeCheckpointFolder(
  folder: string,
  { texts, tensors, copies, shardBytes }: FolderContent,
  onProgress: (share: number) => void,
): Promise<readonly WrittenFile[]> {
  const shards = tensors.length === 0 ? [] : shareOut(tensors, shardBytes);
  const total = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  const all = new Map(texts);
  if (shards.length > 1) all.set('model.safetensors.index.json', indexOf(shards));
  await makeFolders(dirname(folder));
  await requireSpace(dirname(folder), total);
  const written: WrittenFile[] = [];
  await withTemporary(folder, async (temporary) => {
    await mkdir(temporary);
    for (const [path, text] of all) {
      await mkdir(dirname(join(temporary, path)), { recursive: true });
      await writeFile(join(temporary, path), text);
      written.push({ file: path, bytes: Buffer.byteLength(text) });
    }
    for (const [name, from] of copies) {
      await copyFile(from, join(temporary, name));
      written.push({ file: name, bytes: (await stat(from)).size });
    }
    let done = 0;
    for (const shard of shards) {
      const file = await writeShard(temporary, shard, (bytes) => {
        done += bytes;
        onProgress(Math.min(1, done / Math.max(1, total)));
      });
      written.push(file);
    }
    await takePlace(temporary, folder, (entry) => isOwn(entry) || copies.has(entry));
  });
  return written;
}

async function writeShard(
  folder: string,
  { file, tensors }: Shard<ExportedTensor>,
  onBytes: (bytes: number) => void,
): Promise<WrittenFile> {
  const handle = await open(join(folder, file), 'wx');
  let bytes = 0;
  try {
    const content = writeSafetensors(
      tensors.map(({ name, dtype, shape, sources }) => ({
        name,
        dtype,
        shape,
        chunks: () => copyParameters(sources, dtype),
      })),
      { format: 'pt' },
    );
    for await (const chunk of content) {
      await handle.writeFile(chunk);
      bytes += chunk.byteLength;
      onBytes(chunk.byteLength);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { file, bytes };
}

async function requireSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw new CliError(`The checkpoint takes ${formatBytes(bytes)}, and ${folder} has room for ${formatBytes(free)}.`);
}
