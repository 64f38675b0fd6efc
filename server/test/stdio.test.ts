/** The server as editors meet it: a process, and messages over its standard input and output. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver/node';
import type { MessageConnection } from 'vscode-languageserver/node';
import type {
  CallHierarchyIncomingCall,
  CallHierarchyItem,
  Diagnostic,
  Hover,
  InitializeResult,
  TextEdit,
} from 'vscode-languageserver';

const hyb = fileURLToPath(new URL('../../cli/bin/hyb.js', import.meta.url));
let folder: string;
let server: ChildProcess;
let connection: MessageConnection;
const published = new Map<string, readonly Diagnostic[]>();
let told: (() => void) | undefined;

/** Resolves when findings about a file fulfil a condition. */
async function findings(uri: string, holds: (all: readonly Diagnostic[]) => boolean): Promise<readonly Diagnostic[]> {
  for (;;) {
    const all = published.get(uri);
    if (all !== undefined && holds(all)) return all;
    await new Promise<void>((resolve) => (told = resolve));
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hyb-lsp-'));
  writeFileSync(join(folder, 'package.json'), '{}');
  writeFileSync(join(folder, 'blocks.hyb'), 'block Mine(n = 2)(x: [time, width]) -> [time, width] { return n * x }\n');
  server = spawn(process.execPath, [hyb, 'lsp', '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  connection = createMessageConnection(new StreamMessageReader(server.stdout!), new StreamMessageWriter(server.stdin!));
  connection.onNotification('textDocument/publishDiagnostics', ({ uri, diagnostics }) => {
    published.set(uri as string, diagnostics as readonly Diagnostic[]);
    told?.();
  });
  connection.listen();
  const result: InitializeResult = await connection.sendRequest('initialize', {
    processId: process.pid,
    rootUri: pathToFileURL(folder).href,
    workspaceFolders: [{ uri: pathToFileURL(folder).href, name: 'project' }],
    capabilities: {},
  });
  expect(result.serverInfo?.name).toBe('hyb');
  expect(Object.keys(result.capabilities)).toContain('semanticTokensProvider');
  await connection.sendNotification('initialized', {});
});

afterAll(async () => {
  await connection.sendRequest('shutdown');
  const ended = new Promise<number | null>((resolve) => server.once('exit', resolve));
  await connection.sendNotification('exit');
  expect(await ended).toBe(0);
  connection.dispose();
  rmSync(folder, { recursive: true, force: true });
});

test('findings come, go when the text changes, and reach into files on disk', async () => {
  const uri = pathToFileURL(join(folder, 'a model.hyb')).href;
  const model = (block: string): string => `use "./blocks.hyb".{Mine}
model M {
  vocab = 4
  width = 8
  context = 16
  B = ${block}
  layers = [B]
  head = { tie = true }
}
`;
  await connection.sendNotification('textDocument/didOpen', {
    textDocument: { uri, languageId: 'hyb', version: 1, text: model('Mine(m = 3)') },
  });
  const [finding] = await findings(uri, (all) => all.length > 0);
  expect(finding).toMatchObject({ code: 'HYB2010', source: 'hyb', range: { start: { line: 5, character: 11 } } });
  expect(finding!.relatedInformation?.[0]?.location.uri).toBe(pathToFileURL(join(folder, 'blocks.hyb')).href);
  await connection.sendNotification('textDocument/didChange', {
    textDocument: { uri, version: 2 },
    contentChanges: [{ range: { start: { line: 5, character: 11 }, end: { line: 5, character: 12 } }, text: 'n' }],
  });
  await findings(uri, (all) => all.length === 0);
  const hover = await connection.sendRequest<Hover>('textDocument/hover', {
    textDocument: { uri },
    position: { line: 5, character: 2 },
  });
  expect(JSON.stringify(hover.contents)).toContain('Mine(n = 3)');
  const [item] = await connection.sendRequest<CallHierarchyItem[]>('textDocument/prepareCallHierarchy', {
    textDocument: { uri },
    position: { line: 5, character: 8 },
  });
  // The file of the block is open nowhere.
  expect(item!.uri).toBe(pathToFileURL(join(folder, 'blocks.hyb')).href);
  const incoming = await connection.sendRequest<CallHierarchyIncomingCall[]>('callHierarchy/incomingCalls', { item });
  expect(incoming.map(({ from }) => from.name)).toEqual(['M']);
  expect(await connection.sendRequest('callHierarchy/outgoingCalls', { item: incoming[0]!.from })).toHaveLength(1);
  const edits = await connection.sendRequest<TextEdit[]>('textDocument/rangeFormatting', {
    textDocument: { uri },
    range: { start: { line: 2, character: 0 }, end: { line: 2, character: 0 } },
    options: { tabSize: 2, insertSpaces: true },
  });
  expect(edits.map(({ range }) => range.start.line)).toEqual([1]);
  writeFileSync(join(folder, 'blocks.hyb'), 'block Mine(m = 2)(x: [time, width]) -> [time, width] { return m * x }\n');
  await connection.sendNotification('workspace/didChangeWatchedFiles', {
    changes: [{ uri: pathToFileURL(join(folder, 'blocks.hyb')).href, type: 2 }],
  });
  await findings(uri, (all) => all.length === 1);
});

test('files that only the server has', async () => {
  const { text } = await connection.sendRequest<{ text: string }>('workspace/textDocumentContent', {
    uri: 'hyb-std:/norms.hyb',
  });
  expect(text).toContain('norm RMSNorm');
  expect(await connection.sendRequest('hyb/virtualFile', { uri: 'hyb-docs:/errors/HYB2010.md' })).toContain(
    '# HYB2010',
  );
  expect(await connection.sendRequest('hyb/virtualFile', { uri: 'file:///etc/passwd' })).toBeNull();
});
