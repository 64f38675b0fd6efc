/** Source files of a project on disk, for the compiler, which reads none itself. */
import { isUtf8 } from 'node:buffer';
import { readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceHost } from '@hyb/compiler';
import { STATE } from '@hyb/runtime/train/checkpoints/places';
import { CliError } from '../terminal/errors.js';
import { isInside } from './root.js';

/** No source that a person wrote is larger; a wrong file is told from a source before it is parsed. */
export const LARGEST_SOURCE = 4 * 1024 * 1024;
const MOST_LISTED = 500;
const DEEPEST_LISTED = 6;

export interface DiskHost extends SourceHost {
  readonly root: string;
  /** Texts that have been read, by path. */
  readonly texts: ReadonlyMap<string, string>;
}

/** Reads files inside `root` only, symbolic links followed. */
export function diskHost(root: string): DiskHost {
  const texts = new Map<string, string>();
  return {
    root,
    texts,
    read: (path) => {
      const known = texts.get(path);
      if (known !== undefined) return known;
      const text = readInside(root, path);
      if (text !== undefined) texts.set(path, text);
      return text;
    },
    list: () => listSources(root),
  };
}

function readInside(root: string, path: string): string | undefined {
  let absolute: string;
  try {
    absolute = realpathSync(join(root, path));
    if (!isInside(absolute, root) || !statSync(absolute).isFile()) return undefined;
  } catch {
    return undefined;
  }
  return readSource(absolute, path);
}

/** @throws CliError for a file that is too large or is not text */
export function readSource(absolute: string, name: string): string {
  const { size } = statSync(absolute);
  if (size > LARGEST_SOURCE) throw new CliError(`${name} has ${size} bytes, which is more than a source has.`);
  const bytes = readFileSync(absolute);
  if (!isUtf8(bytes)) throw notText(bytes, name);
  return bytes.toString('utf8').replace(/^\uFEFF/, '');
}

/** Says where a file stops being text. */
function notText(bytes: Buffer, name: string): CliError {
  let [valid, invalid] = [0, bytes.length];
  // Of a prefix that ends within a character only the last three bytes can be at fault.
  const startsWell = (length: number): boolean =>
    [0, 1, 2, 3].some((back) => back <= length && isUtf8(bytes.subarray(0, length - back)));
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >> 1;
    if (startsWell(middle)) valid = middle;
    else invalid = middle;
  }
  while (valid > 0 && !isUtf8(bytes.subarray(0, valid))) valid--;
  const before = bytes.subarray(0, valid);
  const line = 1 + before.reduce((count, byte) => count + Number(byte === 0x0a), 0);
  const byte = `0x${bytes[valid]!.toString(16).padStart(2, '0')}`;
  return new CliError(`${name}:${line} is not a text in UTF-8: there is the byte ${byte}.`, 'Save the file as UTF-8.');
}

/** The `.hyb` files of a project, for suggestions. */
function listSources(root: string): readonly string[] {
  const found: string[] = [];
  try {
    for (const path of sourcesIn(root, DEEPEST_LISTED)) {
      found.push(path);
      if (found.length === MOST_LISTED) break;
    }
  } catch {
    // What cannot be listed is not suggested.
  }
  return found;
}

/**
 * The `.hyb` files in a folder and those below it, relative to it; folders of packages, checkpoints of runs and hidden folders
 * are left out. A checkpoint whose copy of the sources is changed is no longer whole.
 *
 * @param depth levels of folders below it that are looked into
 */
export function* sourcesIn(root: string, depth = Infinity, prefix = ''): Generator<string, void> {
  const entries = readdirSync(join(root, prefix), { withFileTypes: true });
  if (entries.some(({ name }) => name === STATE)) return;
  for (const entry of entries) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules' || entry.name === 'dist') continue;
    const path = prefix + entry.name;
    if (!entry.isDirectory()) {
      if (path.endsWith('.hyb')) yield path;
    } else if (depth > 0) yield* sourcesIn(root, depth - 1, `${path}/`);
  }
}
