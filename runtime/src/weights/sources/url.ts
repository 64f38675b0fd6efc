import { formatBytes, WeightsError } from '../../errors.js';
import { messageOf } from '../../messages.js';
import type { ByteSource } from '../types.js';
import { blobSource, bytesSource } from './memory.js';
import { checkRange } from './range.js';

export interface UrlOptions {
  /** Sent with every request, such as `Authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Tries before a request counts as failed; default 4. */
  readonly tries?: number;
}

/** A server without ranges may send whole files up to this size, which are then kept in memory. */
const MAX_WHOLE = 64 * 1024 * 1024;

/** Something that another try may mend. */
class Interrupted extends Error {}

/** A file on a server, read by range requests. Notices if the file changes between two of them. */
export async function urlSource(url: string | URL, given: UrlOptions = {}): Promise<ByteSource> {
  const name = displayName(String(url));
  const { address, options } = withoutCredentials(String(url), given);
  if (/^(data|blob):/.test(address)) return blobSource(await (await fetch(address)).blob(), name);

  const opened = await retry(name, options, options.signal, async () => {
    const response = await request(address, { Range: 'bytes=0-0' }, options, options.signal, name);
    if (response.status === 200) return { whole: await readWhole(response, name) };
    if (response.status === 416) return { whole: new Uint8Array(0) };
    await response.arrayBuffer();
    const tag = response.headers.get('etag');
    return { size: rangeOf(response)?.size ?? (await sizeByHead(address, options, name)), tag };
  });
  if (opened.whole) return bytesSource(opened.whole, name);

  const { size, tag } = opened;
  return {
    name,
    size,
    read(offset, length, { signal, into } = {}) {
      checkRange(name, size, offset, length);
      if (length === 0) return Promise.resolve(new Uint8Array(0));
      const range = `bytes=${offset}-${offset + length - 1}`;
      return retry(name, options, signal, async () => {
        const response = await request(address, { Range: range }, options, signal, name);
        // Headers may be hidden from pages of another origin; what can be seen must be right.
        const got = rangeOf(response);
        const nowTag = response.headers.get('etag');
        if (response.status !== 206 || (got && got.size !== size) || (tag && nowTag && tag !== nowTag)) {
          await response.body?.cancel();
          throw failed(name, 'the file changed on the server while it was read');
        }
        if (got && got.start !== offset) throw failed(name, 'the server sent another range than was asked for');
        const bytes = await readUpTo(response, length, name, into);
        if (bytes.length < length) throw new Interrupted(`only ${bytes.length} of ${length} bytes came`);
        return bytes;
      });
    },
  };
}

async function request(
  address: string,
  headers: Readonly<Record<string, string>>,
  options: UrlOptions,
  signal: AbortSignal | undefined,
  name: string,
  method = 'GET',
): Promise<Response> {
  const response = await fetch(address, {
    method,
    headers: { ...options.headers, ...headers },
    ...(signal ? { signal } : {}),
  });
  if (response.ok || response.status === 416) return response;
  await response.body?.cancel();
  const answer = `the server answered ${response.status} ${response.statusText}`.trimEnd();
  if (response.status >= 500 || response.status === 429) throw new Interrupted(answer);
  throw failed(name, answer);
}

async function retry<T>(
  name: string,
  { tries = 4 }: UrlOptions,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let i = 1; ; i++) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      // `fetch` and its bodies report all trouble with the network as TypeError.
      if (!(error instanceof Interrupted || (error as Error).name === 'TypeError')) throw error;
      if (i >= tries) throw failed(name, messageOf(error), error);
      await new Promise((resolve) => setTimeout(resolve, 100 * 3 ** (i - 1)));
    }
  }
}

/** For servers that hide Content-Range from pages of another origin, but not Content-Length. */
async function sizeByHead(address: string, options: UrlOptions, name: string): Promise<number> {
  const response = await request(address, {}, options, options.signal, name, 'HEAD');
  const length = response.headers.get('content-length');
  if (length === null || response.headers.get('content-encoding')) {
    throw failed(name, 'the server does not say how long the file is');
  }
  return Number(length);
}

async function readWhole(response: Response, name: string): Promise<Uint8Array> {
  const announced = Number(response.headers.get('content-length') ?? 0);
  if (announced > MAX_WHOLE) {
    await response.body?.cancel();
    throw failed(
      name,
      `the server does not answer range requests, and ${formatBytes(announced)} are too much to keep in memory`,
    );
  }
  return readUpTo(response, MAX_WHOLE, name);
}

/** Never more than `most` bytes, whatever the server sends. */
async function readUpTo(response: Response, most: number, name: string, into?: Uint8Array): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const chunk = await reader?.read();
    if (!chunk || chunk.done) break;
    if (length + chunk.value.length > most) {
      await reader?.cancel();
      throw failed(name, `the server sent more than ${formatBytes(most)} at once`);
    }
    if (into) into.set(chunk.value, length);
    else chunks.push(chunk.value);
    length += chunk.value.length;
  }
  if (into) return into.subarray(0, length);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function failed(name: string, problem: string, cause?: unknown): WeightsError {
  return new WeightsError('source-failed', `${name} cannot be read: ${problem}.`, { cause });
}

function rangeOf(response: Response): { start: number; size: number } | undefined {
  const match = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
  return match ? { start: Number(match[1]), size: Number(match[2]) } : undefined;
}

/** `fetch` takes user and password in headers only. */
function withoutCredentials(address: string, options: UrlOptions): { address: string; options: UrlOptions } {
  const url = new URL(address);
  if (!url.username && !url.password) return { address, options };
  const credentials = btoa(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`);
  url.username = '';
  url.password = '';
  return {
    address: url.href,
    options: { ...options, headers: { Authorization: `Basic ${credentials}`, ...options.headers } },
  };
}

/** Without credentials and queries, which may hold keys. */
function displayName(address: string): string {
  try {
    const { origin, pathname, protocol } = new URL(address);
    if (protocol === 'data:') return 'data URL';
    return origin === 'null' ? `${protocol}${pathname}` : `${origin}${pathname}`;
  } catch {
    return address;
  }
}
