/** Writes safetensors files, independently of the reader. */
export interface TensorToWrite {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

export function writeSafetensors(
  tensors: Readonly<Record<string, TensorToWrite>>,
  metadata?: Record<string, string>,
): Uint8Array {
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  let offset = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  return assemble(
    JSON.stringify(header),
    Object.values(tensors).map(({ data }) => data),
  );
}

/** A file with any header at all. */
export function assemble(header: string, data: readonly Uint8Array[], announced?: bigint): Uint8Array {
  const json = new TextEncoder().encode(header);
  const total = data.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const file = new Uint8Array(8 + json.length + total);
  new DataView(file.buffer).setBigUint64(0, announced ?? BigInt(json.length), true);
  file.set(json, 8);
  let at = 8 + json.length;
  for (const part of data) {
    file.set(part, at);
    at += part.byteLength;
  }
  return file;
}

export function f32(values: ArrayLike<number>, shape: readonly number[] = [values.length]): TensorToWrite {
  return { dtype: 'F32', shape, data: new Uint8Array(Float32Array.from(values).buffer) };
}
