import type { Files } from './types.js';

/** A folder inside of another. */
export function folderIn(files: Files, folder: string): Files {
  const place = (path: string): string => (path === '' ? folder : `${folder}/${path}`);
  return {
    name: `${files.name}/${folder}`,
    list: (path) => files.list(place(path)),
    exists: (path) => files.exists(place(path)),
    open: (path) => files.open(place(path)),
    create: (path) => files.create(place(path)),
    append: (path) => files.append(place(path)),
    move: (from, to) => files.move(place(from), place(to)),
    remove: (path) => files.remove(place(path)),
  };
}
