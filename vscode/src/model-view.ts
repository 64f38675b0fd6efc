/** The view that draws the model of the active editor. */
import * as vscode from 'vscode';
import type { BaseLanguageClient } from 'vscode-languageclient';
import type { Span } from '@hyb/grammar';
import { MODEL_VIEW, MODELS_CHANGED } from '@hyb/server/connection/options';
import type { ModelsChanged, ModelViewParams } from '@hyb/server/connection/options';
import type { ModelViews } from '@hyb/server/features/model-view';
import type { FromView, ToView } from './webview/protocol.js';

const PAUSE = 500;

export class ModelViewProvider implements vscode.WebviewViewProvider, vscode.Disposable {
  readonly #subscriptions: vscode.Disposable[];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn = 0;
  #view: vscode.WebviewView | undefined;
  #shown: ModelViews | undefined;
  /** The document whose models are drawn: the last one in Hyb that was active. */
  #document: vscode.TextDocument | undefined;

  constructor(
    readonly extension: vscode.Uri,
    readonly client: () => BaseLanguageClient | undefined,
  ) {
    this.#subscriptions = [
      vscode.window.onDidChangeActiveTextEditor(() => this.#draw()),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => this.#point(textEditor)),
    ];
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const each of this.#subscriptions) each.dispose();
  }

  /** Draws anew whenever the server has checked something. */
  follow(client: BaseLanguageClient): void {
    client.onNotification(MODELS_CHANGED, (_: ModelsChanged) => void this.#draw());
    void this.#draw();
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.#view = view;
    const { webview } = view;
    const inside = (path: string): vscode.Uri => vscode.Uri.joinPath(this.extension, path);
    webview.options = { enableScripts: true, localResourceRoots: [inside('dist')] };
    webview.html = page(
      webview,
      webview.asWebviewUri(inside('dist/webview.js')),
      webview.asWebviewUri(inside('dist/webview.css')),
    );
    webview.onDidReceiveMessage((message: FromView) => this.#received(message), undefined, this.#subscriptions);
    view.onDidChangeVisibility(() => this.#draw(), undefined, this.#subscriptions);
    view.onDidDispose(() => (this.#view = undefined), undefined, this.#subscriptions);
  }

  async #draw(): Promise<void> {
    clearTimeout(this.#timer);
    // Shapes follow every key; kernels take longer to make, and wait until nobody types.
    await this.#ask(false);
    this.#timer = setTimeout(() => void this.#ask(true), PAUSE);
  }

  async #ask(kernels: boolean): Promise<void> {
    const active = vscode.window.activeTextEditor?.document;
    if (active?.languageId === 'hyb' && active.uri.scheme !== 'hyb-std') this.#document = active;
    const client = this.client();
    if (this.#view?.visible !== true || client === undefined || this.#document === undefined) return;
    const params: ModelViewParams = { uri: this.#document.uri.toString(), kernels };
    const turn = ++this.#turn;
    const views = await client.sendRequest<ModelViews | null>(MODEL_VIEW, params);
    if (turn !== this.#turn) return;
    this.#shown = views ?? undefined;
    this.#send({ kind: 'models', models: views?.models ?? [] });
    if (vscode.window.activeTextEditor) this.#point(vscode.window.activeTextEditor);
  }

  /** Tells the view where the cursor stands. */
  #point({ document, selection }: vscode.TextEditor): void {
    const path = this.#pathOf(document.uri);
    if (path !== undefined) this.#send({ kind: 'cursor', file: path, offset: document.offsetAt(selection.active) });
  }

  #pathOf(uri: vscode.Uri): string | undefined {
    const wanted = uri.toString();
    return Object.entries(this.#shown?.uris ?? {}).find(
      ([, each]) => vscode.Uri.parse(each).toString() === wanted,
    )?.[0];
  }

  #send(message: ToView): void {
    void this.#view?.webview.postMessage(message);
  }

  async #received(message: FromView): Promise<void> {
    switch (message.kind) {
      case 'ready':
        return this.#draw();
      case 'open':
        return this.#open(message.place);
    }
  }

  async #open({ file, start, end }: Span): Promise<void> {
    const uri = this.#shown?.uris[file];
    if (uri === undefined) return;
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(uri));
    const range = new vscode.Range(document.positionAt(start), document.positionAt(end));
    await vscode.window.showTextDocument(document, { selection: range, viewColumn: vscode.ViewColumn.One });
  }
}

function page(webview: vscode.Webview, script: vscode.Uri, style: vscode.Uri): string {
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src ${webview.cspSource}`;
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="${policy}">
    <meta name="viewport" content="width=device-width">
    <title>Model</title>
    <link rel="stylesheet" href="${String(style)}">
  </head>
  <body><script src="${String(script)}"></script></body>
</html>`;
}
