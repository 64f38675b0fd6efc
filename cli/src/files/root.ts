/** The folder that a source file's project is in: `use` reaches no further. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { CliError } from '../terminal/errors.js';

const MARKERS = ['package.json', '.git'];

export interface Located {
  /** Absolute, without symbolic links. */
  readonly root: string;
  /** Of the file, relative to the root, with `/` between parts. */
  readonly path: string;
}

/**
 * Finds the project of a file: the nearest folder above it with a package.json or a repository, else the working folder
 * if the file is in it, else the file's own.
 * @throws CliError if there is no such file, or it is not inside the root that was asked for
 */
export function locate(file: string, cwd: string, wanted?: string): Located {
  const asked = resolve(cwd, file);
  if (!existsSync(asked)) throw new CliError(`There is no file ${file}.`);
  if (statSync(asked).isDirectory()) throw new CliError(`${file} is a folder, and a .hyb file is wanted here.`);
  const absolute = realpathSync(asked);
  const root = wanted === undefined ? rootOf(absolute, realpathSync(cwd)) : realFolder(wanted, cwd);
  const path = relative(root, absolute);
  if (path.startsWith('..') || path.includes(`..${sep}`)) {
    throw new CliError(`${file} is outside of ${wanted ?? root}.`, 'Name a folder above it with --root.');
  }
  return { root, path: path.split(sep).join('/') };
}

function realFolder(folder: string, cwd: string): string {
  const absolute = resolve(cwd, folder);
  if (!existsSync(absolute) || !statSync(absolute).isDirectory()) throw new CliError(`There is no folder ${folder}.`);
  return realpathSync(absolute);
}

function rootOf(file: string, cwd: string): string {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (MARKERS.some((marker) => existsSync(join(folder, marker)))) return folder;
    if (folder === dirname(folder)) break;
  }
  return isInside(file, cwd) ? cwd : dirname(file);
}

export function isInside(path: string, folder: string): boolean {
  const inner = relative(folder, path);
  return inner !== '' && inner !== '..' && !inner.startsWith(`..${sep}`) && resolve(folder, inner) === path;
}
