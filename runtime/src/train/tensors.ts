/** Parameters and moments as tensors: from the rows of matrices and from packs, and back. */
import type { Device } from '../device/device.js';
import { UsageError } from '../errors.js';
import type { Readback, Region } from '../memory/readback.js';
import type { Program, StorageType } from '../program/program.js';
import { WEIGHT_FORMATS } from '../shaders/weights.js';
import { convert } from '../weights/convert.js';
import { rowsWithin } from '../weights/placement.js';
import type { PlacedMatrix, PlacedWeights } from '../weights/placement.js';
import type { EngineTensor } from './engine.js';

const FILE_TYPES = { bf16: 'BF16', f16: 'F16' } as const;

/** Rows of a parameter in a buffer: `rows` runs of `columns` elements, `pitch` elements apart. */
interface Piece {
  readonly buffer: GPUBuffer;
  /** In elements. */
  readonly offset: number;
  readonly rows: number;
  readonly columns: number;
  readonly pitch: number;
  readonly storage: StorageType;
}

/** Where a parameter's elements are, in order. */
function piecesOf(program: Program, placed: PlacedWeights, path: string): readonly Piece[] {
  for (const { spec, parts, storage } of placed.matrices.values()) {
    const own = spec.parts.find(({ parameter }) => parameter === path);
    if (!own) continue;
    return parts.flatMap(({ buffer, row, rows }) => {
      const { first, end } = rowsWithin(own, row, row + rows);
      if (first >= end) return [];
      const offset = (own.row + first * own.stride - row) * spec.columns;
      return [{ buffer, offset, rows: end - first, columns: own.columns, pitch: own.stride * spec.columns, storage }];
    });
  }
  for (const pack of program.vectors) {
    const own = pack.parts.find(({ parameter }) => parameter === path);
    if (!own) continue;
    const { buffer, offset } = placed.vectors.get(pack.id)!;
    const { elements } = own;
    return [{ buffer, offset: offset / 4 + own.offset, rows: 1, columns: elements, pitch: elements, storage: 'f32' }];
  }
  throw new UsageError('bad-argument', `There is no parameter ${path}.`);
}

export function tensorsOf(
  program: Program,
  placed: PlacedWeights,
  readback: Readback,
  { prefix = '', of = program.parameters }: { readonly prefix?: string; readonly of?: Program['parameters'] } = {},
): readonly EngineTensor[] {
  return of.map(({ path, shape }) => {
    const narrow = piecesOf(program, placed, path).some(({ storage }) => storage === 'bf16');
    return {
      name: `${prefix}${path}`,
      shape,
      ...(narrow && { dtype: 'BF16' as const }),
      read: () => readTensor(program, placed, readback, path),
    };
  });
}

async function readTensor(
  program: Program,
  placed: PlacedWeights,
  readback: Readback,
  path: string,
): Promise<Float32Array> {
  const pieces = piecesOf(program, placed, path);
  const values = new Float32Array(pieces.reduce((n, { rows, columns }) => n + rows * columns, 0));
  let at = 0;
  for (const { buffer, offset, rows, columns, pitch, storage } of pieces) {
    // Whole rows are read, and what lies between them is left out.
    const span = (rows - 1) * pitch + columns;
    const size = WEIGHT_FORMATS[storage].bytes;
    // Rows are a multiple of four elements: a last half word is there.
    const bytes = new Uint8Array(4 * Math.ceil((size * span) / 4));
    const region: Region = { buffer, offset: size * offset, bytes: bytes.length };
    await readback.read([region], bytes);
    const words = storage === 'f32' ? new Float32Array(bytes.buffer) : widened(bytes, storage, span);
    for (let r = 0; r < rows; r++, at += columns) values.set(words.subarray(r * pitch, r * pitch + columns), at);
  }
  return values;
}

function widened(bytes: Uint8Array, storage: 'bf16' | 'f16', count: number): Float32Array {
  const values = new Float32Array(count);
  convert(bytes, FILE_TYPES[storage], new Uint8Array(values.buffer), 'f32', count);
  return values;
}

/** Writes a parameter's values; to the working copy too where that is another one. */
export function writeTensor(
  program: Program,
  placed: PlacedWeights,
  working: ReadonlyMap<string, PlacedMatrix> | undefined,
  device: Device,
  path: string,
  values: Float32Array,
): void {
  const pieces = piecesOf(program, placed, path);
  const elements = pieces.reduce((n, { rows, columns }) => n + rows * columns, 0);
  if (values.length !== elements) {
    throw new UsageError('bad-argument', `${path} has ${elements} elements, not ${values.length}.`);
  }
  const narrow = [...placed.matrices.values()].find((matrix) => matrix.storage !== 'f32' && holds(matrix, path));
  if (narrow) {
    writeRows(narrow, device, path, values);
    return;
  }
  const { queue } = device.gpu;
  let at = 0;
  for (const { buffer, offset, rows, columns, pitch } of pieces) {
    if (pitch === columns) {
      queue.writeBuffer(buffer, 4 * offset, values as Float32Array<ArrayBuffer>, at, rows * columns);
      at += rows * columns;
      continue;
    }
    for (let r = 0; r < rows; r++, at += columns) {
      queue.writeBuffer(buffer, 4 * (offset + r * pitch), values as Float32Array<ArrayBuffer>, at, columns);
    }
  }
  const matrices = working && [...working.values()].filter(({ storage }) => storage !== 'f32');
  const copy = matrices?.find((matrix) => holds(matrix, path));
  if (copy) writeRows(copy, device, path, values);
}

function holds({ spec }: PlacedMatrix, path: string): boolean {
  return spec.parts.some(({ parameter }) => parameter === path);
}

/** Rounds a parameter's values to the storage of a matrix. */
function writeRows(matrix: PlacedMatrix, device: Device, path: string, values: Float32Array): void {
  const { spec, storage, rowBytes, parts } = matrix;
  const own = spec.parts.find(({ parameter }) => parameter === path)!;
  const source = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  // A row's end may fall in the middle of a word: rows are padded as they are on the device.
  const row = new Uint8Array(rowBytes);
  for (let r = 0; r < own.rows; r++) {
    const at = own.row + r * own.stride;
    const part = parts.findLast((p) => p.row <= at)!;
    convert(source.subarray(4 * r * own.columns), 'F32', row, storage, own.columns);
    device.gpu.queue.writeBuffer(part.buffer, (at - part.row) * rowBytes, row);
  }
}
