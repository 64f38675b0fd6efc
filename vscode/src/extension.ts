/** The extension in a desktop: the server is a process of its own. */
import * as vscode from 'vscode';
import { LanguageClient, TransportKind } from 'vscode-languageclient/node';
import { activateWith, clientOptions } from './activate.js';

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const module = vscode.Uri.joinPath(context.extensionUri, 'dist/server-node.js').fsPath;
  const watcher = vscode.workspace.createFileSystemWatcher('**/*.hyb');
  context.subscriptions.push(watcher);
  await activateWith(context, () => {
    // Only a trusted workspace may say what is run: see `restrictedConfigurations`.
    const command = vscode.workspace.getConfiguration('hyb').get<string>('server.command', '');
    const options = { ...clientOptions(), synchronize: { fileEvents: watcher } };
    return new LanguageClient(
      'hyb',
      'Hyb',
      command === '' ? { module, transport: TransportKind.stdio } : { command, args: ['lsp', '--stdio'] },
      options,
    );
  });
}

export { deactivate } from './activate.js';
