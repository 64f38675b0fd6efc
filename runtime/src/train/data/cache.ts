/** Texts are tokenised once and kept as numbers, under a name made of the texts and the tokenizer. */
import { TrainingError } from '../../errors.js';
import { readJson, writeText } from '../files/text.js';
import type { Files, FileWriter } from '../files/types.js';
import { contentDigest } from './content.js';
import { digest } from './digest.js';
import type { DataFile } from './files.js';
import { readDocuments } from './read.js';
import { documentCoder } from './tokenizer.js';
import type { DataTokenizer } from './tokenizer.js';
import { openTokens } from './tokens.js';
import type { TokenInfo, TokenSource } from './tokens.js';

export interface PrepareOptions {
  readonly tokenizer: DataTokenizer;
  /** Where tokens are kept. */
  readonly cache: Files;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DataProgress) => void) | undefined;
}

export interface DataProgress {
  readonly stage: 'reading' | 'tokenising';
  readonly file: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** Changes with the format of the cache, or of what is put around documents. */
const FORMAT = 1;

/**
 * The tokens of some files, from the cache or made now.
 *
 * @throws TrainingError `bad-data`, `storage-full`, `storage-failed`; TextError from the tokenizer
 */
export async function prepareTokens(files: readonly DataFile[], options: PrepareOptions): Promise<TokenSource> {
  const { cache, tokenizer, signal } = options;
  const totalBytes = await totalSize(files);
  const tell = meter(options, totalBytes);
  const hashes: string[] = [];
  for (const file of files) {
    const onBytes = (bytes: number): void => tell('reading', file.name, bytes);
    hashes.push(`${kindOf(file)} ${await contentDigest(file, cache, { signal, onBytes })}`);
  }
  const key = (await digest([FORMAT, tokenizer.key, ...hashes].join('\n'))).slice(0, 32);
  if (!(await cache.exists(`${key}/info.json`))) await tokenise(key, files, options, totalBytes);
  return openTokens(cache, key, checkInfo(await readJson(cache, `${key}/info.json`), cache, key));
}

/** The format is part of what the bytes mean; the rest of the name is not. */
function kindOf({ name }: DataFile): string {
  return /(\.(jsonl|ndjson))?(\.gz)?$/i.exec(name)![0].toLowerCase();
}

async function totalSize(files: readonly DataFile[]): Promise<number> {
  let bytes = 0;
  for (const file of files) {
    const source = await file.open();
    bytes += source.size;
    await source.close?.();
  }
  return bytes;
}

function meter({ onProgress }: PrepareOptions, totalBytes: number) {
  const done = { reading: 0, tokenising: 0 };
  return (stage: DataProgress['stage'], file: string, bytes: number): void => {
    done[stage] += bytes;
    onProgress?.({ stage, file, doneBytes: done[stage], totalBytes });
  };
}

/** Writes to a folder beside, which then takes its place: what is there is whole. */
async function tokenise(
  key: string,
  files: readonly DataFile[],
  options: PrepareOptions,
  totalBytes: number,
): Promise<void> {
  const { cache, tokenizer, signal } = options;
  const tell = meter(options, totalBytes);
  const random = crypto.getRandomValues(new Uint32Array(1))[0]!;
  const beside = `${key}.${random.toString(36)}.partial`;
  try {
    const width = tokenizer.codec.size <= 2 ** 16 ? 2 : 4;
    const writer = new TokenWriter(
      await cache.create(`${beside}/tokens.bin`),
      await cache.create(`${beside}/starts.bin`),
      width,
    );
    const coder = documentCoder(tokenizer.codec);
    let bytes = 0;
    try {
      for (const file of files) {
        const onBytes = (read: number): void => tell('tokenising', file.name, read);
        for await (const piece of readDocuments(file, { signal, onBytes })) {
          signal?.throwIfAborted();
          if (piece.first) await writer.begin(coder.before);
          await writer.write(coder.encode(piece.text));
          if (piece.last) await writer.write(coder.after);
          bytes += piece.bytes;
        }
      }
      await writer.close();
    } catch (error) {
      await writer.abort();
      throw error;
    }
    const info: TokenInfo = { key, width, tokens: writer.tokens, documents: writer.documents, bytes };
    await writeText(cache, `${beside}/info.json`, `${JSON.stringify(info)}\n`);
    // Another run may have been quicker.
    if (!(await cache.exists(`${key}/info.json`))) await cache.move(beside, key);
  } finally {
    await cache.remove(beside).catch(() => undefined);
  }
}

/** Tokens, and a bit for each: set where a document begins. */
class TokenWriter {
  tokens = 0;
  documents = 0;
  readonly #tokens: FileWriter;
  readonly #starts: FileWriter;
  readonly #buffer: Uint16Array | Uint32Array;
  readonly #bits: Uint8Array;
  #used = 0;

  constructor(tokens: FileWriter, starts: FileWriter, width: 2 | 4) {
    this.#tokens = tokens;
    this.#starts = starts;
    const count = 1 << 19;
    this.#buffer = width === 2 ? new Uint16Array(count) : new Uint32Array(count);
    this.#bits = new Uint8Array(count / 8);
  }

  /** Begins a document with what stands before every one. */
  async begin(before: readonly number[]): Promise<void> {
    this.documents += 1;
    this.#bits[this.#used >> 3]! |= 1 << (this.#used & 7);
    await this.write(before);
  }

  async write(ids: readonly number[]): Promise<void> {
    for (const id of ids) {
      this.#buffer[this.#used++] = id;
      if (this.#used === this.#buffer.length) await this.#flush();
    }
  }

  async #flush(): Promise<void> {
    const { buffer, BYTES_PER_ELEMENT } = this.#buffer;
    await this.#tokens.write(new Uint8Array(buffer, 0, this.#used * BYTES_PER_ELEMENT));
    await this.#starts.write(this.#bits.subarray(0, Math.ceil(this.#used / 8)));
    this.tokens += this.#used;
    this.#used = 0;
    this.#bits.fill(0);
  }

  async close(): Promise<void> {
    await this.#flush();
    await this.#tokens.close();
    await this.#starts.close();
  }

  async abort(): Promise<void> {
    await this.#tokens.abort();
    await this.#starts.abort();
  }
}

function checkInfo(value: unknown, cache: Files, key: string): TokenInfo {
  const info = value as Partial<TokenInfo> | null;
  const counts = [info?.tokens, info?.documents, info?.bytes];
  const good = counts.every((count) => Number.isSafeInteger(count) && count! >= 0);
  if (!good || (info?.width !== 2 && info?.width !== 4)) {
    throw new TrainingError('storage-failed', `${cache.name}/${key} is damaged; remove it, and it is made again.`);
  }
  return { ...(info as TokenInfo), key };
}
