/** What desktop and browser have in common. */
import * as vscode from 'vscode';
import type { BaseLanguageClient, LanguageClientOptions } from 'vscode-languageclient';
import { registerCommands } from './commands.js';
import { ModelViewProvider } from './model-view.js';
import { HybTasks } from './tasks.js';

/** The client that is running, which a restart replaces. */
export interface RunningClient {
  readonly current: BaseLanguageClient | undefined;
}

let running: BaseLanguageClient | undefined;

export function clientOptions(): LanguageClientOptions {
  return { documentSelector: [{ language: 'hyb' }], outputChannelName: 'Hyb', markdown: { isTrusted: false } };
}

export async function activateWith(
  context: vscode.ExtensionContext,
  makeClient: () => BaseLanguageClient,
  started: (client: BaseLanguageClient) => Promise<void> = () => Promise.resolve(),
): Promise<RunningClient> {
  const model = new ModelViewProvider(context.extensionUri, () => running);
  const start = async (): Promise<void> => {
    running = makeClient();
    await running.start();
    model.follow(running);
    await started(running);
  };
  context.subscriptions.push(
    model,
    vscode.window.registerWebviewViewProvider('hyb.model', model, {
      webviewOptions: { retainContextWhenHidden: true },
    }),
    vscode.tasks.registerTaskProvider('hyb', new HybTasks()),
    vscode.commands.registerCommand('hyb.restart', async () => {
      await running?.stop();
      await start();
    }),
    ...registerCommands(),
  );
  await start();
  return {
    get current() {
      return running;
    },
  };
}

export async function deactivate(): Promise<void> {
  await running?.stop();
}
