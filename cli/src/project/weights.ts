/** Which checkpoint goes with a source. */
import { existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CliError } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';
import type { OpenedSource } from './source.js';

/** The one that was asked for, absolute, or the source itself if it is a folder. */
export function findWeights(io: Io, { folder }: OpenedSource, asked: string | undefined): string | undefined {
  if (asked === undefined) return folder;
  const path = resolve(io.cwd, asked);
  if (!existsSync(path)) throw new CliError(`There is no checkpoint ${asked}.`);
  return path;
}

/** Where the files stand that go along with a checkpoint. */
export function folderOf(weights: string): string {
  return statSync(weights).isDirectory() ? weights : dirname(weights);
}
