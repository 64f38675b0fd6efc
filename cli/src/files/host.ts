/** Source files of a project on disk, for the compiler, which reads none itself. */
import { readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceHost } from '@hyb/compiler';
import { CliError } from '../terminal/errors.js';
import { isInside } from './root.js';

/** No source that a person wrote is larger; a wrong file is told from a source before it is parsed. */
export const LARGEST_SOURCE = 4 * 1024 * 1024;
const MOST_LISTED = 500;

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
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(absolute));
  } catch (cause) {
    throw new CliError(`${name} is not a text in UTF-8.`, undefined, { cause });
  }
}

/** The `.hyb` files of a project, for suggestions; folders of packages and hidden ones are left out. */
function listSources(root: string): readonly string[] {
  const found: string[] = [];
  const visit = (folder: string, prefix: string, depth: number): void => {
    if (depth > 6 || found.length >= MOST_LISTED) return;
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules' || entry.name === 'dist') continue;
      if (entry.isDirectory()) visit(join(folder, entry.name), `${prefix}${entry.name}/`, depth + 1);
      else if (entry.name.endsWith('.hyb')) found.push(prefix + entry.name);
    }
  };
  try {
    visit(root, '', 0);
  } catch {
    // What cannot be listed is not suggested.
  }
  return found;
}
