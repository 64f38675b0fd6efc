/** The language server in a worker of its own, joined to the editor: hover, completion, signatures, definitions, renaming. */
import {
  LSPClient,
  LSPPlugin,
  hoverTooltips,
  renameKeymap,
  serverCompletion,
  signatureHelp,
} from '@codemirror/lsp-client';
import type { Transport } from '@codemirror/lsp-client';
import type { Extension } from '@codemirror/state';
import { keymap } from '@codemirror/view';
import type { EditorView } from '@codemirror/view';
import DOMPurify from 'dompurify';
import type { Location } from 'vscode-languageserver-types';
import { startWorker } from '../start-worker.js';
import { hybLanguage } from './language.js';

const ROOT = 'memory:///';

export interface ServerOptions {
  /** The file being edited, as a path in the repository. */
  readonly path: string;
  /** Texts that it may use, by path. */
  readonly others: Readonly<Record<string, string>>;
  /** Shows a place of another file, or of this one. */
  readonly open: (path: string, line: number, character: number) => void;
}

let client: LSPClient | undefined;

/** Extensions for the editor of a file; the server starts with the first of them. */
export async function connectServer({ path, others, open }: ServerOptions): Promise<Extension> {
  client ??= new LSPClient({
    rootUri: ROOT,
    initializationOptions: {
      files: Object.fromEntries(Object.entries(others).map(([file, text]) => [ROOT + file, text])),
    },
    // Doc comments come with a link from anybody.
    sanitizeHTML: (html) => DOMPurify.sanitize(html),
    highlightLanguage: (name) => (name === 'hyb' ? hybLanguage.language : null),
  }).connect(workerTransport());
  await client.initializing;
  return [
    LSPPlugin.create(client, ROOT + path, 'hyb'),
    serverCompletion({ override: true }),
    hoverTooltips(),
    signatureHelp(),
    keymap.of([...renameKeymap, { key: 'F12', run: (view) => (void goToDefinition(view, open), true) }]),
  ];
}

async function goToDefinition(view: EditorView, open: ServerOptions['open']): Promise<void> {
  const plugin = LSPPlugin.get(view);
  if (plugin === null) return;
  plugin.client.sync();
  const found = await plugin.client.request<object, readonly Location[] | null>('textDocument/definition', {
    textDocument: { uri: plugin.uri },
    position: plugin.toPosition(view.state.selection.main.head),
  });
  const [first] = found ?? [];
  if (first === undefined) return;
  const { line, character } = first.range.start;
  open(pathOf(first.uri), line, character);
}

/** As the compiler names files. */
function pathOf(uri: string): string {
  return uri.startsWith(ROOT) ? uri.slice(ROOT.length) : uri.replace(/^hyb-std:\/*/, 'hyb:std/');
}

/** The client speaks JSON as text, the server's worker takes it as it is. */
function workerTransport(): Transport {
  const worker = startWorker('server-worker');
  const handlers = new Set<(message: string) => void>();
  worker.addEventListener('message', ({ data }: MessageEvent<object>) => {
    for (const handle of handlers) handle(JSON.stringify(data));
  });
  return {
    send: (message) => worker.postMessage(JSON.parse(message)),
    subscribe: (handler) => void handlers.add(handler),
    unsubscribe: (handler) => void handlers.delete(handler),
  };
}
