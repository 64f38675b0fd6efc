/** Open documents and the projects that they belong to. Knows nothing of connections. */
import type { Project, ProjectFile } from '@hyb/compiler';
import type { SessionCheck } from '@hyb/compiler/query/session';
import type { FileNames } from '@hyb/compiler/query/names/bind-file';
import { namesOf } from '@hyb/compiler/query/references';
import { LineMap } from '@hyb/grammar';
import type { Span } from '@hyb/grammar';
import type { Location, Position, Range } from 'vscode-languageserver-types';
import { canonical, isLibraryUri, pathOf } from './addresses.js';
import { folderOf } from './files.js';
import type { SourceFiles } from './files.js';
import { Root } from './root.js';

/** What of a text document the server needs. */
export interface OpenDocument {
  readonly uri: string;
  readonly version: number;
  getText(): string;
}

export class Workspace {
  readonly #files: SourceFiles;
  /** By their canonical URIs. */
  readonly #open = new Map<string, OpenDocument>();
  readonly #roots = new Map<string, Root>();

  constructor(files: SourceFiles) {
    this.#files = files;
  }

  /** A document was opened or changed. */
  set(document: OpenDocument): void {
    this.#open.set(canonical(document.uri), document);
  }

  close(uri: string): void {
    const closed = canonical(uri);
    this.#open.delete(closed);
    for (const root of this.#roots.values()) {
      const path = pathOf(closed, root.uri);
      if (path !== undefined) root.forgetCheck(path);
    }
  }

  /** Files that are not open have changed, come or gone. */
  filesChanged(): void {
    for (const root of this.#roots.values()) root.forgetClosed();
  }

  /** As the editor spells them. */
  get openUris(): readonly string[] {
    return [...this.#open.values()].map(({ uri }) => uri);
  }

  get roots(): readonly Root[] {
    return [...this.#roots.values()];
  }

  rootOf(uri: string): Root {
    // Files of the library are looked at from the project that the editor came from.
    const first = this.#roots.values().next().value;
    if (isLibraryUri(uri) && first !== undefined) return first;
    const folder = isLibraryUri(uri) ? 'memory:/' : this.#files.rootOf(canonical(uri));
    let root = this.#roots.get(folder);
    if (root === undefined) {
      root = new Root(folder, this.#files, this.#open);
      this.#roots.set(folder, root);
    }
    return root;
  }

  /** A document in its project. @throws Error for a URI that is in no project, which no document has */
  at(uri: string): Place {
    const root = this.rootOf(uri);
    const path = pathOf(canonical(uri), root.uri);
    if (path === undefined) throw new Error(`${uri} is not in ${folderOf(uri)}`);
    return new Place(root, path);
  }
}

/** A file in its project, as the features look at it. */
export class Place {
  constructor(
    readonly root: Root,
    readonly path: string,
  ) {}

  /** All files of the project, and this one if it is of the library. */
  get project(): Project {
    const { project } = this.root;
    return project.files.has(this.path) ? project : this.check.project;
  }

  get check(): SessionCheck {
    return this.root.check(this.path);
  }

  get file(): ProjectFile {
    return this.project.files.get(this.path)!;
  }

  get names(): FileNames {
    return namesOf(this.project, this.path)!;
  }

  offsetAt({ line, character }: Position): number {
    return linesOf(this.file).offsetAt({ line, column: character });
  }

  rangeOf(span: Pick<Span, 'start' | 'end'>): Range {
    return rangeIn(this.file, span);
  }

  locationOf(span: Span): Location | undefined {
    return locationIn(this.project, span, this.root);
  }
}

const lines = new WeakMap<ProjectFile, LineMap>();

function linesOf(file: ProjectFile): LineMap {
  let map = lines.get(file);
  if (map === undefined) {
    map = new LineMap(file.text);
    lines.set(file, map);
  }
  return map;
}

export function rangeIn(file: ProjectFile, { start, end }: Pick<Span, 'start' | 'end'>): Range {
  const map = linesOf(file);
  const position = (offset: number): Position => {
    const { line, column } = map.positionAt(offset);
    return { line, character: column };
  };
  return { start: position(start), end: position(end) };
}

export function locationIn(project: Project, span: Span, root: Root): Location | undefined {
  const file = project.files.get(span.file);
  return file === undefined ? undefined : { uri: root.uriOf(span.file), range: rangeIn(file, span) };
}
