/** Files that appear whole or not at all. */
import { randomBytes } from 'node:crypto';
import { existsSync, realpathSync, rmSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';

/** Writes a text beside its place and moves it there. */
export const writeText = (path: string, text: string): Promise<void> => writeFileWhole(path, text);

/** Writes bytes beside their place and moves them there. */
export const writeBytes = (path: string, bytes: Uint8Array): Promise<void> => writeFileWhole(path, bytes);

async function writeFileWhole(path: string, content: string | Uint8Array): Promise<void> {
  await makeFolders(dirname(path));
  await withTemporary(path, async (temporary) => {
    await writeFile(temporary, content);
    await rename(temporary, path);
  });
}

/**
 * Puts files into a folder in one step: they are written to a folder beside it, which then takes its place. What else
 * stands in the folder stays, except for entries in `own`, which earlier calls have made.
 */
export async function writeFolder(
  folder: string,
  files: ReadonlyMap<string, string>,
  own: (entry: string) => boolean,
): Promise<void> {
  await makeFolders(dirname(folder));
  await withTemporary(folder, async (temporary) => {
    await mkdir(temporary);
    const folders = new Set([...files.keys()].map((path) => dirname(join(temporary, path))));
    for (const each of folders) await mkdir(each, { recursive: true });
    for (const [path, text] of files) await writeFile(join(temporary, path), text);
    await takePlace(temporary, folder, own);
  });
}

/** A folder and those that it is in. Node's own way to make them does not end where one cannot be made, as in /proc. */
export async function makeFolders(folder: string): Promise<void> {
  if (existsSync(folder)) return;
  await makeFolders(dirname(folder));
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** Moves a finished folder to `folder`, keeping what stands there and is not `own`. */
export async function takePlace(temporary: string, folder: string, own: (entry: string) => boolean): Promise<void> {
  if (!existsSync(folder)) return rename(temporary, folder);
  const old = `${temporary}-old`;
  try {
    // Whoever works in the folder would be left in one that is gone.
    if (holds(folder, process.cwd())) return await replaceEntries(temporary, folder, old, own);
    await rename(folder, old);
    try {
      await rename(temporary, folder);
    } catch (error) {
      await rename(old, folder);
      throw error;
    }
    for (const entry of await readdir(old)) {
      if (!own(entry) && !existsSync(join(folder, entry))) await rename(join(old, entry), join(folder, entry));
    }
  } finally {
    await rm(old, { recursive: true, force: true });
  }
}

function holds(folder: string, path: string): boolean {
  const [outer, inner] = [realpathSync(folder), realpathSync(path)];
  return inner === outer || inner.startsWith(join(outer, sep));
}

/** As `takePlace`, entry by entry; if one fails, all go back. */
async function replaceEntries(
  temporary: string,
  folder: string,
  old: string,
  own: (entry: string) => boolean,
): Promise<void> {
  const undo: (() => Promise<void>)[] = [];
  const move = async (from: string, to: string): Promise<void> => {
    await rename(from, to);
    undo.unshift(() => rename(to, from));
  };
  await mkdir(old);
  try {
    const fresh = await readdir(temporary);
    for (const entry of await readdir(folder)) {
      if (own(entry) || fresh.includes(entry)) await move(join(folder, entry), join(old, entry));
    }
    for (const entry of fresh) await move(join(temporary, entry), join(folder, entry));
  } catch (error) {
    for (const back of undo) await back();
    throw error;
  }
}

/** Gives a path beside `path` and removes what is left there, after a failure or an interruption too. */
export async function withTemporary<T>(path: string, work: (temporary: string) => Promise<T>): Promise<T> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const remove = (): void => rmSync(temporary, { recursive: true, force: true });
  const interrupted = (signal: NodeJS.Signals): void => {
    remove();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    return await work(temporary);
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    remove();
  }
}
