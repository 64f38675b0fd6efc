/** Values of a checkpoint on their way to another one: in pieces, converted where the type differs. */
import type { StorageType } from '../program/program.js';
import { bytesOf, convert, STORAGE_DTYPE } from './convert.js';
import type { FloatDtype } from './dtypes.js';
import type { ParameterSource } from './match.js';

const CHUNK = 4 * 1024 * 1024;

export interface CopyOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes read at once. */
  readonly chunkBytes?: number;
}

/**
 * The values of parameters one after another, as `dtype`. Bits are kept where the type is the same; otherwise values are
 * rounded once, to nearest even.
 */
export async function* copyParameters(
  sources: readonly ParameterSource[],
  dtype: FloatDtype,
  { signal, chunkBytes = CHUNK }: CopyOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const into = new Uint8Array(chunkBytes);
  const storage = storageOf(dtype);
  let converted = new Uint8Array(0);
  for (const { tensor, dtype: from, element, elements } of sources) {
    const most = Math.max(1, Math.floor(chunkBytes / Math.max(8, bytesOf(from))));
    for (let first = 0; first < elements; first += most) {
      signal?.throwIfAborted();
      const count = Math.min(most, elements - first);
      const offset = tensor.offset + (element + first) * bytesOf(from);
      const bytes = await tensor.source.read(offset, count * bytesOf(from), { signal, into });
      if (from === dtype) {
        yield bytes;
        continue;
      }
      if (storage === undefined) throw new TypeError(`Values are not converted to ${dtype}.`);
      if (converted.byteLength === 0) converted = new Uint8Array(chunkBytes);
      const window = converted.subarray(0, count * bytesOf(dtype));
      convert(bytes, from, window, storage, count);
      yield window;
    }
  }
}

/** What holds the values of all: their own type if it is one, otherwise f32, in which half floats are exact. */
export function commonDtype(sources: readonly ParameterSource[]): FloatDtype {
  const types = new Set(sources.map(({ dtype }) => dtype));
  if (types.size === 1) return sources[0]!.dtype;
  return types.has('F64') ? 'F64' : 'F32';
}

function storageOf(dtype: FloatDtype): StorageType | undefined {
  return (Object.keys(STORAGE_DTYPE) as StorageType[]).find((storage) => STORAGE_DTYPE[storage] === dtype);
}
