/** Checkpoints for tests: read whole, and written with a value for every element. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface StoredTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Of its bytes: comparing megabytes byte by byte takes jest seconds. */
  readonly digest: string;
}

interface Header {
  readonly [name: string]: { dtype: string; shape: number[]; data_offsets: [number, number] };
}

async function readParts(file: string): Promise<{ readonly header: Header; readonly data: Uint8Array }> {
  const bytes = await readFile(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const { __metadata__: _, ...header } = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Header;
  return { header, data: bytes.subarray(8 + length) };
}

/** Tensors of one safetensors file, read independently of the runtime. */
export async function readCheckpoint(file: string): Promise<ReadonlyMap<string, StoredTensor>> {
  const { header, data } = await readParts(file);
  return new Map(
    Object.entries(header).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [start, end],
        },
      ]) => {
        const digest = createHash('sha256').update(data.subarray(start, end)).digest('hex');
        return [name, { dtype, shape, digest }];
      },
    ),
  );
}

/** A tensor's bytes, aligned. */
export async function readBytes(file: string, name: string): Promise<ArrayBuffer> {
  const { header, data } = await readParts(file);
  const [start, end] = header[name]!.data_offsets;
  return Uint8Array.from(data.subarray(start, end)).buffer;
}

/** The tensors of a folder, whether in one file or in several with an index. */
export async function readFolder(folder: string, files: readonly string[]): Promise<ReadonlyMap<string, StoredTensor>> {
  const shards = files.filter((file) => file.endsWith('.safetensors'));
  const read = await Promise.all(shards.map((file) => readCheckpoint(join(folder, file))));
  return new Map(read.flatMap((tensors) => [...tensors]));
}

/** Writes f32 tensors of these shapes, with small values that all differ. */
export async function writeCheckpoint(
  file: string,
  tensors: readonly { readonly name: string; readonly shape: readonly number[] }[],
): Promise<void> {
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const { name, shape } of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [end, (end += 4 * shape.reduce((a, b) => a * b, 1))] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  const data = Float32Array.from({ length: end / 4 }, (_, i) => Math.sin(i) / 8);
  await writeFile(file, Buffer.concat([prefix, text, Buffer.from(data.buffer)]));
}
