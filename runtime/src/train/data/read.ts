/** Reads files in pieces: bytes, gzip undone, and texts of documents. Memory does not depend on the size of the files. */
import { TrainingError } from '../../errors.js';
import { messageOf } from '../../messages.js';
import type { DataFile } from './files.js';
import { formatOf } from './files.js';

/** A document, or a piece of one: long texts come in several. */
export interface DocumentPiece {
  readonly text: string;
  /** Bytes of it in UTF-8. */
  readonly bytes: number;
  /** The document begins with it. */
  readonly first: boolean;
  /** The document ends with it. */
  readonly last: boolean;
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes that have been read from the file. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

const CHUNK = 1 << 20;
/** Characters of a text that are handed out together. */
const PIECE = 1 << 18;
/** A line of JSON, in characters, or a line of text that has to be cut somewhere. */
const LONGEST_LINE = 1 << 26;

/** The bytes as they are in the file. */
export async function* readBytes(file: DataFile, { signal, onBytes }: ReadOptions = {}): AsyncGenerator<Uint8Array> {
  const source = await file.open();
  try {
    for (let at = 0; at < source.size; at += CHUNK) {
      const length = Math.min(CHUNK, source.size - at);
      // A copy: sources may hand out a buffer that they use again.
      const bytes = (await source.read(at, length, { signal })).slice();
      onBytes?.(length);
      yield bytes;
    }
  } finally {
    await source.close?.();
  }
}

/** The documents of a file. @throws TrainingError `bad-data` with file and line */
export async function* readDocuments(file: DataFile, options: ReadOptions = {}): AsyncGenerator<DocumentPiece> {
  const { format, gzip } = formatOf(file.name);
  const bytes = readBytes(file, options);
  const texts = decode(file.name, gzip ? unzip(file.name, bytes) : bytes);
  yield* format === 'text' ? textPieces(texts) : jsonDocuments(file.name, texts);
}

async function* unzip(name: string, bytes: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  let failure: { readonly error: unknown } | undefined;
  const zipped = new ReadableStream<BufferSource>({
    async pull(controller) {
      try {
        const { done, value } = await bytes.next();
        if (done) controller.close();
        else controller.enqueue(value as Uint8Array<ArrayBuffer>);
      } catch (error) {
        failure = { error };
        throw error;
      }
    },
    async cancel() {
      await bytes.return(undefined);
    },
  });
  const reader = zipped.pipeThrough(new DecompressionStream('gzip')).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (cause) {
    if (failure !== undefined) throw failure.error;
    throw new TrainingError('bad-data', `${name} is not a whole gzip file: ${messageOf(cause)}.`, { cause });
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function* decode(name: string, chunks: AsyncGenerator<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let at = 0;
  const attempt = (bytes?: Uint8Array): string => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch (cause) {
      const place = at === 0 ? '' : ` somewhere after byte ${at}`;
      throw new TrainingError('bad-data', `${name} is not text in UTF-8${place}.`, { cause });
    }
  };
  for await (const chunk of chunks) {
    yield attempt(chunk);
    at += chunk.byteLength;
  }
  yield attempt();
}

/**
 * A text in pieces that begin with a line: between a line's end and what is not white space, tokenizers cut anyway.
 * A file of nothing is no document.
 */
async function* textPieces(texts: AsyncGenerator<string>): AsyncGenerator<DocumentPiece> {
  let rest = '';
  let first = true;
  for await (const text of texts) {
    rest += text;
    while (rest.length > PIECE) {
      const end = cut(rest);
      if (end === undefined) break;
      yield piece(rest.slice(0, end), first, false);
      first = false;
      rest = rest.slice(end);
    }
  }
  if (!first || rest.length > 0) yield piece(rest, first, true);
}

/** Where the first piece may end, with something left after it. */
function cut(text: string): number | undefined {
  const lines = /\n(?=\S)/g;
  lines.lastIndex = PIECE - 1;
  const line = lines.exec(text);
  if (line !== null) return line.index + 1;
  if (text.length < LONGEST_LINE) return undefined;
  // No line ends here: anywhere then, though not within a character.
  const unit = text.charCodeAt(PIECE);
  return unit >= 0xdc00 && unit < 0xe000 ? PIECE - 1 : PIECE;
}

async function* jsonDocuments(name: string, texts: AsyncGenerator<string>): AsyncGenerator<DocumentPiece> {
  let number = 0;
  for await (const line of linesOf(name, texts)) {
    number += 1;
    if (line.trim() === '') continue;
    const fail = (problem: string): TrainingError =>
      new TrainingError('bad-data', `${name}:${number}: ${problem}. Each line holds an object like {"text": "…"}.`);
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw fail(`no JSON: ${messageOf(error)}`);
    }
    const text = (value as { text?: unknown } | null)?.text;
    if (typeof text !== 'string') throw fail('there is no string "text"');
    if (text !== '') yield piece(text, true, true);
  }
}

async function* linesOf(name: string, texts: AsyncGenerator<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const text of texts) {
    const lines = text.split('\n');
    lines[0] = rest + lines[0]!;
    rest = lines.pop()!;
    if (rest.length > LONGEST_LINE) {
      throw new TrainingError(
        'bad-data',
        `${name} has a line of over ${LONGEST_LINE} characters, too long for JSON lines.`,
      );
    }
    yield* lines;
  }
  if (rest !== '') yield rest;
}

function piece(text: string, first: boolean, last: boolean): DocumentPiece {
  return { text, bytes: byteLength(text), first, last };
}

/** Of a text in UTF-8, without making the bytes. */
function byteLength(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    // Of a pair of surrogates, together four bytes, each adds one.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}
