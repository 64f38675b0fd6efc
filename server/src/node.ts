/** The server in Node: a connection over standard input and output, and files on disk. */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver/node';
import { serve } from './connection/server.js';
import type { ServerFiles } from './connection/server.js';
import { folderOf, folderUri } from './workspace/files.js';

/** What a folder has that is a project of its own, as for the command line. */
const MARKERS = ['package.json', '.git'];
const LARGEST_SOURCE = 4 * 1024 * 1024;
const MOST_LISTED = 2000;
const DEEPEST = 8;

/** Serves a client over streams until they end. */
export function serveStreams(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Promise<void> {
  const connection = createConnection(new StreamMessageReader(input), new StreamMessageWriter(output));
  const ended = new Promise<void>((resolve) => {
    connection.onExit(resolve);
    input.once('end', resolve);
    input.once('close', resolve);
  });
  serve(connection, new DiskFiles());
  connection.listen();
  return ended;
}

/** Files on disk. Symbolic links that lead out of a project are not followed. */
export class DiskFiles implements ServerFiles {
  #folders: readonly string[] = [];

  setFolders(folders: readonly string[]): void {
    this.#folders = folders.map((uri) => folderUri(normal(uri)));
  }

  /** The nearest folder above with a package.json or a repository, else that of the editor, else the file's own. */
  rootOf(uri: string): string {
    const path = pathOf(uri);
    if (path === undefined) return folderOf(uri);
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      if (MARKERS.some((marker) => existsSync(join(folder, marker)))) return prefixOf(uri, path, folder);
      if (folder === dirname(folder)) break;
    }
    return this.#folders.find((folder) => uri.startsWith(folder)) ?? folderOf(uri);
  }

  read(uri: string): string | undefined {
    const path = pathOf(uri);
    if (path === undefined) return undefined;
    try {
      const real = realpathSync(path);
      const root = realpathSync(fileURLToPath(this.rootOf(uri)));
      if (relative(root, real).startsWith('..')) return undefined;
      const { size } = statSync(real);
      return size > LARGEST_SOURCE ? undefined : readFileSync(real, 'utf8');
    } catch {
      return undefined;
    }
  }

  list(root: string): readonly string[] {
    const found: string[] = [];
    const visit = (folder: string, depth: number): void => {
      if (depth > DEEPEST || found.length >= MOST_LISTED) return;
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (entry.name.startsWith('.') || entry.name === 'node_modules' || entry.name === 'dist') continue;
        const path = join(folder, entry.name);
        if (entry.isDirectory()) visit(path, depth + 1);
        else if (entry.name.endsWith('.hyb')) found.push(root + encode(relative(fileURLToPath(root), path)));
      }
    };
    try {
      visit(fileURLToPath(root), 0);
    } catch {
      // What cannot be listed is not there.
    }
    return found;
  }
}

function pathOf(uri: string): string | undefined {
  try {
    return uri.startsWith('file:') ? fileURLToPath(uri) : undefined;
  } catch {
    return undefined;
  }
}

const encode = (path: string): string => path.split(sep).map(encodeURIComponent).join('/');

/** What of a file's URI is that of a folder above. */
function prefixOf(uri: string, path: string, folder: string): string {
  const below = relative(folder, path).split(sep).length;
  const parts = uri.split('/');
  return `${parts.slice(0, parts.length - below).join('/')}/`;
}

function normal(uri: string): string {
  const path = pathOf(uri);
  return path === undefined ? uri : pathToFileURL(path).href;
}
