import { canonical } from './addresses.js';

/** Where the server finds sources that no editor has open. It asks with canonical URIs and is answered with such. */
export interface SourceFiles {
  /** The folder, with `/` at the end, that a file's project is in: `use` reaches no further. */
  rootOf(uri: string): string;
  /** undefined: there is no such file. */
  read(uri: string): string | undefined;
  /** The `.hyb` files of a project. */
  list(root: string): readonly string[];
}

/** Sources in memory: what an editor in a browser, or a test, has told the server. */
export class MemoryFiles implements SourceFiles {
  readonly #texts: Map<string, string>;
  #folders: readonly string[];

  constructor(texts: Readonly<Record<string, string>> = {}, folders: readonly string[] = []) {
    this.#texts = new Map(Object.entries(texts).map(([uri, text]) => [canonical(uri), text]));
    this.#folders = folders.map(folderUri);
  }

  /** Folders of the workspace, each of which is a project. */
  setFolders(folders: readonly string[]): void {
    this.#folders = folders.map(folderUri);
  }

  /** A text, or undefined where the file is gone. */
  set(uri: string, text: string | undefined): void {
    if (text === undefined) this.#texts.delete(canonical(uri));
    else this.#texts.set(canonical(uri), text);
  }

  rootOf(uri: string): string {
    const around = this.#folders.filter((folder) => uri.startsWith(folder));
    return around.sort((a, b) => b.length - a.length)[0] ?? folderOf(uri);
  }

  read(uri: string): string | undefined {
    return this.#texts.get(uri);
  }

  list(root: string): readonly string[] {
    return [...this.#texts.keys()].filter((uri) => uri.startsWith(root) && uri.endsWith('.hyb'));
  }
}

export function folderUri(uri: string): string {
  const folder = canonical(uri);
  return folder.endsWith('/') ? folder : `${folder}/`;
}

export function folderOf(uri: string): string {
  return uri.slice(0, uri.lastIndexOf('/') + 1);
}
