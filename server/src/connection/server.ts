/** Joins a connection and the features. What differs between Node and a worker comes from outside. */
import { TextDocuments, TextDocumentSyncKind, ResponseError, ErrorCodes } from 'vscode-languageserver';
import type { Connection, InitializeParams, ServerCapabilities } from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { callHierarchy, incomingCalls, outgoingCalls } from '../features/call-hierarchy.js';
import { codeActions } from '../features/code-actions.js';
import { codeLenses } from '../features/code-lens.js';
import { completion } from '../features/completion/completion.js';
import { definition, highlights, references } from '../features/definition.js';
import { allDiagnostics } from '../features/diagnostics.js';
import { folding } from '../features/folding.js';
import { formatRange, formatting } from '../features/formatting.js';
import { hover } from '../features/hover.js';
import { inlayHints } from '../features/inlay-hints.js';
import { modelViews } from '../features/model-view.js';
import { prepareRename, Refused, renameAt } from '../features/rename.js';
import { encodeTokens, semanticTokens, TOKEN_MODIFIERS, TOKEN_TYPES } from '../features/semantic-tokens.js';
import { signatureHelp } from '../features/signature-help.js';
import { documentSymbols, workspaceSymbols } from '../features/symbols.js';
import { virtualFile } from '../features/virtual-files.js';
import { DOCS_SCHEME, isLibraryUri, LIBRARY_SCHEME } from '../workspace/addresses.js';
import type { SourceFiles } from '../workspace/files.js';
import { Workspace } from '../workspace/workspace.js';
import type { Place } from '../workspace/workspace.js';
import { FILES_CHANGED, MODEL_VIEW, MODELS_CHANGED, VIRTUAL_FILE } from './options.js';
import type { FilesChanged, InitializationOptions, ModelViewParams, VirtualFileParams } from './options.js';

export interface ServerFiles extends SourceFiles {
  /** Folders that the editor has open. */
  setFolders(folders: readonly string[]): void;
  /** Only of files in memory. */
  set?(uri: string, text: string | undefined): void;
}

const capabilities: ServerCapabilities = {
  textDocumentSync: TextDocumentSyncKind.Incremental,
  hoverProvider: true,
  completionProvider: { triggerCharacters: ['.', '{', '(', '[', ',', '=', '"', '/', ':', '@', ' '] },
  signatureHelpProvider: { triggerCharacters: ['(', ',', '='] },
  definitionProvider: true,
  referencesProvider: true,
  documentHighlightProvider: true,
  renameProvider: { prepareProvider: true },
  documentSymbolProvider: true,
  workspaceSymbolProvider: true,
  foldingRangeProvider: true,
  documentFormattingProvider: true,
  documentRangeFormattingProvider: true,
  callHierarchyProvider: true,
  inlayHintProvider: true,
  codeLensProvider: {},
  codeActionProvider: { codeActionKinds: ['quickfix', 'source.fixAll'] },
  semanticTokensProvider: {
    legend: { tokenTypes: [...TOKEN_TYPES], tokenModifiers: [...TOKEN_MODIFIERS] },
    full: true,
  },
  workspace: {
    workspaceFolders: { supported: true, changeNotifications: true },
    textDocumentContent: { schemes: [LIBRARY_SCHEME, DOCS_SCHEME] },
  },
};

/** Serves a connection; `listen` is left to the caller. */
export function serve(connection: Connection, files: ServerFiles): void {
  const workspace = new Workspace(files);
  const documents = new TextDocuments(TextDocument);
  const publisher = new Publisher(connection, workspace);
  let snippets = false;
  let manyFolders = false;

  connection.onInitialize((params: InitializeParams) => {
    snippets = params.capabilities.textDocument?.completion?.completionItem?.snippetSupport === true;
    // Clients that know nothing of several folders say one.
    const folders = params.workspaceFolders?.map(({ uri }) => uri) ?? (params.rootUri ? [params.rootUri] : []);
    files.setFolders(folders);
    manyFolders = params.capabilities.workspace?.workspaceFolders === true;
    const { files: texts } = (params.initializationOptions ?? {}) as InitializationOptions;
    for (const [uri, text] of Object.entries(texts ?? {})) files.set?.(uri, text);
    return { capabilities, serverInfo: { name: 'hyb' } };
  });
  connection.onInitialized(() => {
    if (!manyFolders) return;
    connection.workspace.onDidChangeWorkspaceFolders(async () => {
      const folders = (await connection.workspace.getWorkspaceFolders()) ?? [];
      files.setFolders(folders.map(({ uri }) => uri));
      publisher.filesChanged();
    });
  });

  documents.onDidChangeContent(({ document }) => {
    workspace.set(document);
    publisher.schedule(document.uri);
  });
  documents.onDidClose(({ document }) => {
    workspace.close(document.uri);
    publisher.filesChanged();
  });
  connection.onDidChangeWatchedFiles(() => publisher.filesChanged());
  connection.onNotification(FILES_CHANGED, ({ files: changed }: FilesChanged) => {
    for (const { uri, text } of changed) files.set?.(uri, text ?? undefined);
    publisher.filesChanged();
  });

  /** Looks a document up; nothing is answered for one that is not open. */
  const at = <T>(uri: string, none: T, answer: (place: Place) => T): T =>
    documents.get(uri) === undefined ? none : answer(workspace.at(uri));
  const refusing = <T>(answer: () => T): T => {
    try {
      return answer();
    } catch (error) {
      if (error instanceof Refused) throw new ResponseError(ErrorCodes.InvalidRequest, error.message);
      throw error;
    }
  };
  const editable = (uri: string): boolean => !isLibraryUri(uri);

  connection.onHover(({ textDocument, position }) =>
    at(textDocument.uri, null, (place) => hover(place, position) ?? null),
  );
  connection.onCompletion(({ textDocument, position }) =>
    at(textDocument.uri, [], (place) => [...completion(place, position, snippets)]),
  );
  connection.onSignatureHelp(({ textDocument, position }) =>
    at(textDocument.uri, null, (place) => signatureHelp(place, position) ?? null),
  );
  connection.onDefinition(({ textDocument, position }) =>
    at(textDocument.uri, [], (place) => [...definition(place, position)]),
  );
  connection.onReferences(({ textDocument, position, context }) =>
    at(textDocument.uri, [], (place) => [...references(place, position, context.includeDeclaration)]),
  );
  connection.onDocumentHighlight(({ textDocument, position }) =>
    at(textDocument.uri, [], (place) => [...highlights(place, position)]),
  );
  connection.onPrepareRename(({ textDocument, position }) =>
    at(textDocument.uri, null, (place) => refusing(() => prepareRename(place, position))),
  );
  connection.onRenameRequest(({ textDocument, position, newName }) =>
    at(textDocument.uri, null, (place) => refusing(() => renameAt(place, position, newName))),
  );
  connection.onDocumentSymbol(({ textDocument }) => at(textDocument.uri, [], (place) => [...documentSymbols(place)]));
  connection.onWorkspaceSymbol(({ query }) => [...workspaceSymbols(workspace.roots, query)]);
  connection.onFoldingRanges(({ textDocument }) => at(textDocument.uri, [], (place) => [...folding(place)]));
  connection.onDocumentFormatting(async ({ textDocument }) => {
    if (!editable(textDocument.uri)) return [];
    return [...(await at(textDocument.uri, Promise.resolve([] as const), formatting))];
  });
  connection.onDocumentRangeFormatting(async ({ textDocument, range }) => {
    if (!editable(textDocument.uri)) return [];
    return [...(await at(textDocument.uri, Promise.resolve([] as const), (place) => formatRange(place, range)))];
  });
  connection.onCodeAction(({ textDocument, range }) =>
    editable(textDocument.uri) ? at(textDocument.uri, [], (place) => [...codeActions(place, range)]) : [],
  );
  connection.onCodeLens(({ textDocument }) =>
    editable(textDocument.uri) ? at(textDocument.uri, [], (place) => [...codeLenses(place)]) : [],
  );
  connection.languages.callHierarchy.onPrepare(({ textDocument, position }) =>
    at(textDocument.uri, null, (place) => [...callHierarchy(place, position)]),
  );
  // The way leads through files that nobody has open.
  connection.languages.callHierarchy.onIncomingCalls(({ item }) => [...incomingCalls(workspace.at(item.uri), item)]);
  connection.languages.callHierarchy.onOutgoingCalls(({ item }) => [...outgoingCalls(workspace.at(item.uri), item)]);
  connection.languages.inlayHint.on(({ textDocument, range }) =>
    at(textDocument.uri, [], (place) => [...inlayHints(place, range)]),
  );
  connection.languages.semanticTokens.on(({ textDocument }) =>
    at(textDocument.uri, { data: [] as number[] }, (place) => ({ data: encodeTokens(place, semanticTokens(place)) })),
  );
  connection.workspace.textDocumentContent.on(({ uri }) => {
    const text = virtualFile(uri);
    return text === undefined ? null : { text };
  });
  connection.onRequest(VIRTUAL_FILE, ({ uri }: VirtualFileParams) => virtualFile(uri) ?? null);
  connection.onRequest(MODEL_VIEW, ({ uri, kernels = false }: ModelViewParams) =>
    at(uri, null, (place) => modelViews(place, kernels)),
  );

  documents.listen(connection);
}

/** Publishes findings after changes, many changes at once, and nothing that the client has already. */
class Publisher {
  readonly #connection: Connection;
  readonly #workspace: Workspace;
  /** What each URI was last told, as text. */
  readonly #published = new Map<string, string>();
  readonly #changed = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(connection: Connection, workspace: Workspace) {
    this.#connection = connection;
    this.#workspace = workspace;
  }

  filesChanged(): void {
    this.#workspace.filesChanged();
    this.schedule();
  }

  schedule(uri?: string): void {
    if (uri !== undefined) this.#changed.add(uri);
    // Changes that have arrived already are taken together; nobody waits longer than that.
    this.#timer ??= setTimeout(() => this.#publish());
  }

  #publish(): void {
    this.#timer = undefined;
    try {
      this.#send();
    } catch (error) {
      // A finding less is better than no editor.
      this.#connection.console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }

  #send(): void {
    const all = allDiagnostics(this.#workspace);
    for (const uri of [...this.#published.keys()]) if (!all.has(uri)) this.#tell(uri, []);
    for (const [uri, diagnostics] of all) this.#tell(uri, [...diagnostics]);
    for (const uri of [...this.#published.keys()]) if (!all.has(uri)) this.#published.delete(uri);
    void this.#connection.sendNotification(MODELS_CHANGED, { uris: [...this.#changed] });
    this.#changed.clear();
  }

  #tell(uri: string, diagnostics: Parameters<Connection['sendDiagnostics']>[0]['diagnostics']): void {
    const text = JSON.stringify(diagnostics);
    if ((this.#published.get(uri) ?? '[]') === text) return;
    this.#published.set(uri, text);
    void this.#connection.sendDiagnostics({ uri, diagnostics });
  }
}
