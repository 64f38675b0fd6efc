/** Writing safetensors files as a stream: the header first, then each tensor's bytes as they come. */
import { WeightsError } from '../errors.js';
import { DTYPE_BITS, type Dtype } from './dtypes.js';
import { product } from './match.js';

export interface TensorToWrite {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Its elements, little-endian, row-major, in chunks of any size. A chunk is used before the next is asked for. */
  chunks(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Of a tensor's data. */
export function tensorBytes({ dtype, shape }: Pick<TensorToWrite, 'dtype' | 'shape'>): number {
  return Math.ceil((product(shape) * DTYPE_BITS[dtype]) / 8);
}

/**
 * The bytes of a safetensors file, in order. Tensors of wide elements come first, so that all are aligned; otherwise they
 * keep their order. Nothing is held but one chunk.
 *
 * @param metadata texts for the header; transformers wants `format: 'pt'`
 * @throws WeightsError `bad-checkpoint` if a name is there twice, or a tensor yields more or fewer bytes than its shape says
 */
export async function* writeSafetensors(
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const ordered = [...tensors].sort((a, b) => DTYPE_BITS[b.dtype] - DTYPE_BITS[a.dtype]);
  yield header(ordered, metadata);
  for (const tensor of ordered) {
    const expected = tensorBytes(tensor);
    let written = 0;
    for await (const chunk of tensor.chunks()) {
      written += chunk.byteLength;
      if (written > expected) break;
      yield chunk;
    }
    if (written !== expected) {
      throw new WeightsError('bad-checkpoint', `${tensor.name} should have ${expected} bytes, and gave ${written}.`);
    }
  }
}

function header(tensors: readonly TensorToWrite[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const entries: string[] = [];
  if (Object.keys(metadata).length > 0) entries.push(`"__metadata__":${JSON.stringify(metadata)}`);
  const names = new Set<string>();
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    if (names.has(name)) throw new WeightsError('bad-checkpoint', `Two tensors are named ${JSON.stringify(name)}.`);
    names.add(name);
    const start = end;
    end += tensorBytes({ dtype, shape });
    entries.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [start, end] })}`);
  }
  const text = new TextEncoder().encode(`{${entries.join(',')}}`);
  // Spaces at the end align the data.
  const padded = Math.ceil(text.byteLength / 8) * 8;
  const bytes = new Uint8Array(8 + padded).fill(0x20, 8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(text, 8);
  return bytes;
}
