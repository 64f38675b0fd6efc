/** The server in a web worker: messages of the worker, and files that the client hands over. */
import { BrowserMessageReader, BrowserMessageWriter, createConnection } from 'vscode-languageserver/browser';
import { serve } from './connection/server.js';
import { MemoryFiles } from './workspace/files.js';

/** What of a worker's scope, or of a message port, is needed. */
export type Port = ConstructorParameters<typeof BrowserMessageReader>[0] &
  ConstructorParameters<typeof BrowserMessageWriter>[0];

export function serveWorker(port: Port): void {
  const connection = createConnection(new BrowserMessageReader(port), new BrowserMessageWriter(port));
  serve(connection, new MemoryFiles());
  connection.listen();
}
