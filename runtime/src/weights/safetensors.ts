import { formatBytes, WeightsError } from '../errors.js';
import { DTYPE_BITS, isDtype, type Dtype } from './dtypes.js';
import { HeaderReader } from './header-reader.js';
import type { ByteSource } from './types.js';

export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Where its bytes are in the file. */
  readonly offset: number;
  readonly bytes: number;
  readonly source: ByteSource;
}

export interface SafetensorsFile {
  readonly source: ByteSource;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The limit of the format's reference implementation. */
const MAX_HEADER = 100_000_000;
const MAX_DIMENSIONS = 64;
const PREFIX = 8;

/**
 * Reads and checks the header of a safetensors file. Everything is checked against the file's size before anything of a
 * size that the file claims is allocated: tensors must fill the file without overlap, gap or remainder.
 *
 * @throws WeightsError `bad-checkpoint`
 */
export async function readSafetensors(source: ByteSource, signal?: AbortSignal): Promise<SafetensorsFile> {
  const fail = (problem: string): never => {
    throw new WeightsError('bad-checkpoint', `${source.name} is not a valid safetensors file: ${problem}.`);
  };
  if (source.size < PREFIX + 2) fail(`it has ${source.size} bytes, fewer than the smallest header`);
  const prefix = await source.read(0, PREFIX, { signal });
  const length = new DataView(prefix.buffer, prefix.byteOffset, PREFIX).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER)) {
    fail(`it announces a header of ${length} bytes, over the format's limit of ${MAX_HEADER}`);
  }
  const headerBytes = Number(length);
  if (PREFIX + headerBytes > source.size) {
    fail(
      `it announces a header of ${formatBytes(headerBytes)} but has ${formatBytes(source.size)} in all; it is cut off`,
    );
  }
  const header = await source.read(PREFIX, headerBytes, { signal });
  const { tensors, metadata } = parseHeader(header, source, PREFIX + headerBytes);
  checkLayout([...tensors.values()], source, PREFIX + headerBytes);
  return { source, tensors, metadata };
}

function parseHeader(
  header: Uint8Array,
  source: ByteSource,
  dataOffset: number,
): { tensors: Map<string, TensorEntry>; metadata: Map<string, string> } {
  const reader = new HeaderReader(header, source.name);
  if (header[0] !== 0x7b) reader.fail("the header does not begin with '{'");
  const tensors = new Map<string, TensorEntry>();
  const metadata = new Map<string, string>();
  const dataBytes = source.size - dataOffset;
  let sawMetadata = false;
  reader.object((name) => {
    if (name === '__metadata__') {
      if (sawMetadata) reader.fail('two `__metadata__`');
      sawMetadata = true;
      reader.object((key) => {
        metadata.set(key, reader.string());
      });
      return;
    }
    if (tensors.has(name)) reader.fail(`two tensors are named ${JSON.stringify(name)}`);
    tensors.set(name, readEntry(reader, name, source, dataOffset, dataBytes));
  });
  reader.end();
  return { tensors, metadata };
}

function readEntry(
  reader: HeaderReader,
  name: string,
  source: ByteSource,
  dataOffset: number,
  dataBytes: number,
): TensorEntry {
  let dtype: string | undefined;
  let shape: readonly number[] | undefined;
  let offsets: readonly number[] | undefined;
  const label = JSON.stringify(name);
  reader.object((key) => {
    if (key === 'dtype' && dtype === undefined) dtype = reader.string();
    else if (key === 'shape' && !shape) shape = reader.integers(MAX_DIMENSIONS);
    else if (key === 'data_offsets' && !offsets) offsets = reader.integers(2);
    else reader.fail(`${label} has ${JSON.stringify(key)}, which is unknown or there twice`);
  });
  if (dtype === undefined || !shape || !offsets) return reader.fail(`${label} lacks dtype, shape or data_offsets`);
  if (!isDtype(dtype)) return reader.fail(`${label} has the unknown dtype ${JSON.stringify(dtype)}`);
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined || begin > end) {
    return reader.fail(`${label} has data_offsets that are no range`);
  }
  if (end > dataBytes) {
    return reader.fail(`${label} ends at ${end}, but the file holds ${dataBytes} bytes of data; it is cut off or lies`);
  }
  let bits: number = DTYPE_BITS[dtype];
  for (const size of shape) {
    bits *= size;
    if (bits > Number.MAX_SAFE_INTEGER)
      return reader.fail(`${label} has a shape too large to be true: [${shape.join(', ')}]`);
  }
  if (bits !== (end - begin) * 8) {
    return reader.fail(
      `${label} is ${dtype} [${shape.join(', ')}], ${bits / 8} bytes, but has a place of ${end - begin}`,
    );
  }
  return { name, dtype, shape, offset: dataOffset + begin, bytes: end - begin, source };
}

/** Tensors must lie one after another and end where the file ends. */
function checkLayout(tensors: TensorEntry[], source: ByteSource, dataOffset: number): void {
  const fail = (problem: string): never => {
    throw new WeightsError('bad-checkpoint', `${source.name} is not a valid safetensors file: ${problem}.`);
  };
  tensors.sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  let at = dataOffset;
  let before = 'the header';
  for (const { name, offset, bytes } of tensors) {
    const label = JSON.stringify(name);
    if (offset < at) fail(`${label} overlaps ${before} by ${at - offset} bytes`);
    if (offset > at) fail(`there is a gap of ${offset - at} bytes between ${before} and ${label}`);
    at = offset + bytes;
    before = label;
  }
  if (at !== source.size) fail(`${source.size - at} bytes follow ${before}, the last tensor`);
}
