/** Commands of the palette and of the lenses above models and recipes. */
import * as vscode from 'vscode';
import { runHyb } from './tasks.js';

export function registerCommands(): readonly vscode.Disposable[] {
  const { registerCommand } = vscode.commands;
  return [
    registerCommand('hyb.build', (uri?: string, model?: string) => run('build', uri, model)),
    registerCommand('hyb.inspect', (uri?: string, model?: string) => run('inspect', uri, model)),
    registerCommand('hyb.train', (uri?: string, recipe?: string) => run('train', uri, recipe)),
    registerCommand('hyb.showModel', () => vscode.commands.executeCommand('hyb.model.focus')),
    registerCommand('hyb.newModel', async () => {
      const document = await vscode.workspace.openTextDocument({ language: 'hyb', content: '' });
      await vscode.window.showTextDocument(document);
      await vscode.commands.executeCommand('editor.action.insertSnippet', { langId: 'hyb', name: 'Model' });
    }),
  ];
}

/** Which option of a command names a model or a recipe. */
const NAMED: Readonly<Record<string, string>> = { build: '--model', inspect: '--model', train: '--recipe' };

async function run(command: 'build' | 'inspect' | 'train', uri?: string, name?: string): Promise<void> {
  const target = uri === undefined ? vscode.window.activeTextEditor?.document.uri : vscode.Uri.parse(uri);
  if (target === undefined) {
    void vscode.window.showInformationMessage('Open a .hyb file first.');
    return;
  }
  if (target.scheme !== 'file') {
    void vscode.window.showInformationMessage(
      `hyb ${command} runs where the file is on a disk: in a desktop, or in a terminal as npx hyb ${command}.`,
    );
    return;
  }
  // What stands in the editor is what is meant.
  const document = vscode.workspace.textDocuments.find((each) => each.uri.toString() === target.toString());
  if (document?.isDirty === true) await document.save();
  await runHyb(command, target, name === undefined ? [] : [NAMED[command]!, name]);
}
