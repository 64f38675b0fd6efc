/** Writes safetensors files tensor by tensor, so that host memory holds one tensor at a time. */
import type { FileWriter } from '../files/types.js';

export interface TensorToWrite {
  readonly name: string;
  readonly shape: readonly number[];
  /** Pieces whose values follow one another, f32. */
  readonly values: () => AsyncIterable<Float32Array> | Iterable<Float32Array>;
}

const F32 = 4;

/**
 * Writes a file of f32 tensors in the given order and leaves it open.
 *
 * @returns its bytes
 * @throws Error if a tensor has another number of values than its shape says
 */
export async function writeSafetensors(
  writer: FileWriter,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<number> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const { name, shape } of tensors) {
    const end = offset + elements(shape) * F32;
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  // Data begins at a multiple of eight bytes, as the format wants it; spaces fill up.
  const length = Math.ceil(text.byteLength / 8) * 8;
  const start = new Uint8Array(8 + length).fill(0x20);
  new DataView(start.buffer).setBigUint64(0, BigInt(length), true);
  start.set(text, 8);
  await writer.write(start);
  for (const { name, shape, values } of tensors) {
    let written = 0;
    for await (const piece of values()) {
      await writer.write(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
      written += piece.length;
    }
    if (written !== elements(shape)) {
      throw new Error(`${name} has ${written} values, and its shape [${shape.join(', ')}] says ${elements(shape)}.`);
    }
  }
  return start.byteLength + offset;
}

function elements(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}
