/** The extension in a browser: the server is a worker, which is handed the workspace's files since it can read none. */
import * as vscode from 'vscode';
import { LanguageClient } from 'vscode-languageclient/browser';
import { FILES_CHANGED } from '@hyb/server/connection/options';
import type { FilesChanged } from '@hyb/server/connection/options';
import { activateWith, clientOptions } from './activate.js';

const MOST_FILES = 2000;
const DEEPEST = 8;
const SKIPPED: ReadonlySet<string> = new Set(['node_modules', 'dist', 'build']);

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const script = vscode.Uri.joinPath(context.extensionUri, 'dist/server-worker.js').toString(true);
  const client = await activateWith(
    context,
    () => new LanguageClient('hyb', 'Hyb', new Worker(script), clientOptions()),
    async (started) =>
      started.sendNotification(FILES_CHANGED, { files: await workspaceFiles() } satisfies FilesChanged),
  );
  const tell = async (files: FilesChanged['files']): Promise<void> =>
    client.current?.sendNotification(FILES_CHANGED, { files } satisfies FilesChanged);
  const tellOf = async (uri: vscode.Uri): Promise<void> =>
    tell([{ uri: uri.toString(), text: (await read(uri)) ?? null }]);
  const watcher = vscode.workspace.createFileSystemWatcher('**/*.hyb');
  context.subscriptions.push(
    watcher,
    watcher.onDidCreate(tellOf),
    watcher.onDidChange(tellOf),
    watcher.onDidDelete((uri) => tell([{ uri: uri.toString(), text: null }])),
  );
}

/** Folders are walked: searching waits for ever where nobody provides it. */
async function workspaceFiles(): Promise<FilesChanged['files']> {
  const found: vscode.Uri[] = [];
  const visit = async (folder: vscode.Uri, depth: number): Promise<void> => {
    if (depth > DEEPEST || found.length >= MOST_FILES) return;
    for (const [name, type] of await vscode.workspace.fs.readDirectory(folder)) {
      if (name.startsWith('.') || SKIPPED.has(name)) continue;
      const uri = vscode.Uri.joinPath(folder, name);
      if (type === vscode.FileType.Directory) await visit(uri, depth + 1);
      else if (name.endsWith('.hyb')) found.push(uri);
    }
  };
  for (const { uri } of vscode.workspace.workspaceFolders ?? []) await visit(uri, 0).then(undefined, () => undefined);
  return Promise.all(found.map(async (uri) => ({ uri: uri.toString(), text: (await read(uri)) ?? null })));
}

async function read(uri: vscode.Uri): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
  } catch {
    // Gone since it was listed.
    return undefined;
  }
}

export { deactivate } from './activate.js';
