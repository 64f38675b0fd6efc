/** The texts that a run is about: files of a recipe or of the command line. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { TrainFields } from '@hyb/compiler';
import type { DataFile, DataFiles } from '@hyb/runtime';
import { diskFiles, filesAt } from '@hyb/runtime';
import { isInside } from '../files/root.js';
import { CliError } from '../terminal/errors.js';

export interface Place {
  readonly cwd: string;
  /** Folder of the `.hyb` file: paths of its recipes are relative to it. */
  readonly folder: string;
  /** They do not lead out of it. */
  readonly root: string;
}

/** `path`, or `name=path` for a named source. */
export function parseData(texts: readonly string[]): readonly { readonly name: string; readonly path: string }[] {
  return texts.map((text) => {
    const [, name, path] = /^([A-Za-z_]\w*)=(.+)$/.exec(text) ?? [undefined, '', text];
    return { name: name!, path: path! };
  });
}

/** What is trained on: the command line's, else the recipe's. */
export async function trainingFiles(
  { cwd, ...place }: Place,
  given: readonly string[],
  data: TrainFields['data'],
): Promise<readonly DataFile[] | DataFiles> {
  if (given.length > 0) {
    const named: Record<string, DataFile[]> = {};
    for (const { name, path } of parseData(given)) (named[name] ??= []).push(...(await filesOf(cwd, path)));
    return named;
  }
  if (data === undefined) {
    throw new CliError(
      'There is nothing to train on.',
      'Name text or JSONL files, or folders of them: --data PATH, or `data = "PATH"` in the recipe.',
    );
  }
  if (isPaths(data)) return recipeFiles(place, data);
  const named: Record<string, readonly DataFile[]> = {};
  for (const [name, paths] of Object.entries(data)) named[name] = await recipeFiles(place, paths);
  return named;
}

export async function heldOutFiles(
  { cwd, ...place }: Place,
  given: readonly string[],
  evaluation: TrainFields['evaluation'],
): Promise<readonly DataFile[] | undefined> {
  if (given.length > 0) return (await Promise.all(given.map((path) => filesOf(cwd, path)))).flat();
  return evaluation?.data === undefined ? undefined : recipeFiles(place, evaluation.data);
}

function isPaths(data: NonNullable<TrainFields['data']>): data is readonly string[] {
  return Array.isArray(data);
}

/** A recipe may come from anybody, so that it reads nothing outside of its project. */
export function recipePath({ folder, root }: Omit<Place, 'cwd'>, path: string): string {
  const absolute = resolve(folder, path);
  const real = existsSync(absolute) ? realpathSync(absolute) : absolute;
  if (real === root || isInside(real, root)) return absolute;
  throw new CliError(
    `The recipe's path ${path} leads out of the project in ${root}.`,
    'What is given on the command line may be anywhere: --data, --held-out, --tokenizer.',
  );
}

async function recipeFiles(place: Omit<Place, 'cwd'>, paths: readonly string[]): Promise<readonly DataFile[]> {
  const lists = paths.map((path) => filesOf(place.folder, relative(place.folder, recipePath(place, path)) || '.'));
  return (await Promise.all(lists)).flat();
}

async function filesOf(base: string, path: string): Promise<readonly DataFile[]> {
  const absolute = resolve(base, path);
  if (!existsSync(absolute)) throw new CliError(`There is no text in ${path}: no such file or folder.`);
  const folder = statSync(absolute).isDirectory();
  const found = await filesAt(diskFiles(folder ? absolute : dirname(absolute)), folder ? '' : basename(absolute));
  return found.map((file) => ({ ...file, name: folder ? join(path, file.name) : path }));
}
