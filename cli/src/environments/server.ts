import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

/** URL paths and the folders or files behind them; may grow while the server runs. */
export type Served = ReadonlyMap<string, string>;

export interface Server {
  /** `http://127.0.0.1:PORT`. */
  readonly base: string;
  close(): Promise<void>;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.wgsl': 'text/plain',
};

/** What shared memory asks for. */
const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/**
 * Serves files on the loopback interface, with ranges. An address
 * that ends in `/` is the `index.html` of a folder.
 *
 * @param port 0: any that is free
 * @param headers of every answer
 */
export async function serve(
  served: Served,
  port = 0,
  headers: Readonly<Record<string, string>> = ISOLATED,
): Promise<Server> {
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    answer(served, request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    base: `http://127.0.0.1:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(served: Served, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname));
  response.setHeader('Cache-Control', 'no-store');
  if (path === '/' && !served.has(''))
    return void response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>Hyb</title>');
  const prefix = [...served.keys()].find((each) => path === each || path.startsWith(`${each}/`));
  const inside = path.endsWith('/') ? `${path}index.html` : path;
  const file = prefix === undefined ? undefined : join(served.get(prefix)!, inside.slice(prefix.length));
  const size =
    file &&
    (await stat(file).then(
      (status) => (status.isFile() ? status.size : undefined),
      () => undefined,
    ));
  if (file === undefined || typeof size !== 'number') return void response.writeHead(404).end();

  response.setHeader('Content-Type', types[extname(file)] ?? 'application/octet-stream');
  response.setHeader('Accept-Ranges', 'bytes');
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const start = Number(range?.[1] ?? 0);
  const end = Math.min(range?.[2] ? Number(range[2]) : size - 1, size - 1);
  if (range && (start >= size || end < start)) {
    return void response.writeHead(416, { 'Content-Range': `bytes */${size}` }).end();
  }
  if (range) response.setHeader('Content-Range', `bytes ${start}-${end}/${size}`);
  response.writeHead(range ? 206 : 200, { 'Content-Length': end - start + 1 });
  if (request.method === 'HEAD' || size === 0) return void response.end();
  createReadStream(file, { start, end })
    .on('error', () => response.destroy())
    .pipe(response);
}
