/** Files in memory: for pages without a file system, and for tests. */
import { TrainingError } from '../../errors.js';
import { bytesSource } from '../../weights/sources/memory.js';
import { pathParts } from './path.js';
import type { Files, FileEntry, FileWriter } from './types.js';

/** Keeps everything in memory; `contents` can be looked at and filled. */
export function memoryFiles(contents = new Map<string, Uint8Array>(), name = 'memory'): Files {
  const clean = (path: string): string => pathParts(path).join('/');
  const inside = (folder: string): string[] => {
    const prefix = folder === '' ? '' : `${folder}/`;
    return [...contents.keys()].filter((path) => path.startsWith(prefix));
  };
  const writer = (path: string, before: Uint8Array): FileWriter => {
    const chunks = [before];
    return {
      write: (bytes) => {
        chunks.push(bytes.slice());
        return Promise.resolve();
      },
      close: () => {
        contents.set(path, join(chunks));
        return Promise.resolve();
      },
      abort: () => Promise.resolve(),
    };
  };
  return {
    name,
    list: (folder) => {
      const path = clean(folder);
      const entries = new Map<string, FileEntry>();
      for (const file of inside(path)) {
        const [first, ...rest] = file.slice(path === '' ? 0 : path.length + 1).split('/');
        entries.set(first!, { name: first!, kind: rest.length > 0 ? 'folder' : 'file' });
      }
      return Promise.resolve([...entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1)));
    },
    exists: (path) => Promise.resolve(contents.has(clean(path)) || inside(clean(path)).length > 0),
    open: (path) => {
      const bytes = contents.get(clean(path));
      if (bytes === undefined) {
        return Promise.reject(new TrainingError('storage-failed', `There is no ${name}/${path}.`));
      }
      return Promise.resolve(bytesSource(bytes, `${name}/${path}`));
    },
    create: (path) => Promise.resolve(writer(clean(path), new Uint8Array(0))),
    append: (path) => Promise.resolve(writer(clean(path), contents.get(clean(path)) ?? new Uint8Array(0))),
    move: (from, to) => {
      const [source, target] = [clean(from), clean(to)];
      for (const path of [source, ...inside(source)]) {
        const bytes = contents.get(path);
        if (bytes === undefined) continue;
        contents.set(target + path.slice(source.length), bytes);
        contents.delete(path);
      }
      return Promise.resolve();
    },
    remove: (path) => {
      const target = clean(path);
      for (const each of [target, ...inside(target)]) contents.delete(each);
      return Promise.resolve();
    },
  };
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((bytes, chunk) => bytes + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}
