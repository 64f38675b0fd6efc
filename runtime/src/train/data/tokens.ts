/** Tokens of a source, read by position. */
import { TrainingError } from '../../errors.js';
import type { ByteSource } from '../../weights/types.js';
import type { Files } from '../files/types.js';

/** Of a folder of the cache. */
export interface TokenInfo {
  readonly key: string;
  /** Bytes of a token in the file. */
  readonly width: 2 | 4;
  readonly tokens: number;
  readonly documents: number;
  /** Of the texts, in UTF-8. */
  readonly bytes: number;
}

export interface TokenSource {
  readonly info: TokenInfo;
  /** Tokens `start … start + count - 1`, cut where documents begin. */
  read(start: number, count: number): Promise<readonly Uint32Array[]>;
  close(): Promise<void>;
}

export async function openTokens(cache: Files, folder: string, info: TokenInfo): Promise<TokenSource> {
  const tokens = await cache.open(`${folder}/tokens.bin`);
  const starts = await cache.open(`${folder}/starts.bin`);
  const close = async (): Promise<void> => {
    await tokens.close?.();
    await starts.close?.();
  };
  if (tokens.size !== info.tokens * info.width || starts.size !== Math.ceil(info.tokens / 8)) {
    await close();
    throw new TrainingError('storage-failed', `${cache.name}/${folder} is damaged; remove it, and it is made again.`);
  }
  return {
    info,
    async read(start, count) {
      const ids = await readIds(tokens, info.width, start, count);
      const first = byteOf(start);
      const bits = await starts.read(first, byteOf(start + count - 1) - first + 1);
      const begins = (at: number): boolean => ((bits[byteOf(at) - first]! >> (at % 8)) & 1) === 1;
      const pieces: Uint32Array[] = [];
      let from = 0;
      for (let i = 1; i <= count; i++) {
        if (i < count && !begins(start + i)) continue;
        pieces.push(ids.subarray(from, i));
        from = i;
      }
      return pieces;
    },
    close,
  };
}

/** Where a token's bit is. Positions go beyond 32 bits, which are all that shifts have. */
function byteOf(at: number): number {
  return Math.floor(at / 8);
}

async function readIds(source: ByteSource, width: 2 | 4, start: number, count: number): Promise<Uint32Array> {
  const bytes = await source.read(start * width, count * width);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: count }, (_, i) =>
    width === 2 ? view.getUint16(2 * i, true) : view.getUint32(4 * i, true),
  );
}
