import type { Device } from '../device/device.js';
import { overLimit } from '../device/device.js';
import type { DeviceMemory } from '../memory/device-memory.js';
import { ProgramError } from '../errors.js';
import type { MatrixSpec, Program, StorageType } from '../program/program.js';
import { stepsOf } from '../program/steps.js';
import { WEIGHT_FORMATS } from '../shaders/weights.js';

/** Rows `row` … `row + rows` of a matrix, in a buffer of their own. */
export interface MatrixPart {
  readonly buffer: GPUBuffer;
  readonly row: number;
  readonly rows: number;
}

export interface PlacedMatrix {
  readonly spec: MatrixSpec;
  readonly storage: StorageType;
  readonly rowBytes: number;
  readonly parts: readonly MatrixPart[];
}

export interface PlacedVectors {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly bytes: number;
}

/** Where a program's weights are on the device. */
export interface PlacedWeights {
  readonly matrices: ReadonlyMap<string, PlacedMatrix>;
  readonly vectors: ReadonlyMap<string, PlacedVectors>;
}

/** Which of a parameter's rows are among rows `start` … `end` of the matrix that it is in: `first` … `end`, perhaps none. */
export function rowsWithin(
  { row, rows, stride }: MatrixSpec['parts'][number],
  start: number,
  end: number,
): { readonly first: number; readonly end: number } {
  const before = (place: number): number => Math.min(rows, Math.max(0, Math.ceil((place - row) / stride)));
  return { first: before(start), end: before(end) };
}

/** Makes the buffers that weights are loaded into; matrices over the binding limit become several. */
export function placeWeights(
  program: Program,
  storage: StorageType | undefined,
  device: Device,
  memory: DeviceMemory,
): PlacedWeights {
  const units = rowUnits(program);
  const matrices = new Map<string, PlacedMatrix>();
  for (const spec of program.matrices) {
    if (spec.columns % 4 !== 0) throw new ProgramError('bad-program', `Matrix ${spec.id} has rows of ${spec.columns}.`);
    const type = storage ?? matrixStorage(program, spec);
    const rowBytes = spec.columns * WEIGHT_FORMATS[type].bytes;
    const parts = splitRows(spec, rowBytes, units.get(spec.id) ?? 1, device).map(({ row, rows }, i, all) => {
      const label = all.length > 1 ? `matrix ${spec.id}, part ${i + 1} of ${all.length}` : `matrix ${spec.id}`;
      return { row, rows, buffer: memory.storage(label, rows * rowBytes, 'weights') };
    });
    matrices.set(spec.id, { spec, storage: type, rowBytes, parts });
  }
  return { matrices, vectors: placeVectors(program, device, memory) };
}

function splitRows(
  spec: MatrixSpec,
  rowBytes: number,
  unit: number,
  device: Device,
): { readonly row: number; readonly rows: number }[] {
  const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
  const most = Math.floor(Math.min(maxStorageBufferBindingSize, maxBufferSize) / rowBytes / unit) * unit;
  if (spec.rows * rowBytes <= Math.min(maxStorageBufferBindingSize, maxBufferSize))
    return [{ row: 0, rows: spec.rows }];
  if (most === 0) {
    const what = `${unit} rows of matrix ${spec.id}, which cannot be parted further,`;
    throw overLimit(what, 'maxStorageBufferBindingSize', unit * rowBytes, device.limits);
  }
  const parts = [];
  for (let row = 0; row < spec.rows; row += most) parts.push({ row, rows: Math.min(most, spec.rows - row) });
  return parts;
}

/** Vector packs lie one after another in few buffers: hundreds of small buffers would be slow to make and to bind. */
export function placeVectors(
  program: Program,
  device: Device,
  memory: DeviceMemory,
): ReadonlyMap<string, PlacedVectors> {
  const { maxBufferSize, minStorageBufferOffsetAlignment } = device.limits;
  const most = Math.min(maxBufferSize, 64 * 1024 * 1024);
  const vectors = new Map<string, PlacedVectors>();
  let group: { id: string; offset: number; bytes: number }[] = [];
  let end = 0;
  const flush = (): void => {
    if (group.length === 0) return;
    const buffer = memory.buffer('vectors', end, 0x8c, 'weights');
    for (const { id, offset, bytes } of group) vectors.set(id, { buffer, offset, bytes });
    group = [];
    end = 0;
  };
  for (const { id, elements } of program.vectors) {
    const bytes = Math.max(16, elements * 4);
    if (end > 0 && end + bytes > most) flush();
    group.push({ id, offset: end, bytes });
    end = Math.ceil((end + bytes) / minStorageBufferOffsetAlignment) * minStorageBufferOffsetAlignment;
  }
  flush();
  return vectors;
}

/** The model's own choice: what all parts agree on. */
export function matrixStorage(program: Program, spec: MatrixSpec): StorageType {
  const types = new Set(
    spec.parts.map(({ parameter }) => program.parameters.find(({ path }) => path === parameter)?.dtype ?? 'f32'),
  );
  return types.size === 1 ? [...types][0]! : 'f32';
}

/** For each matrix, the rows that the kernels that walk it take at a time: parts begin at multiples of this. */
function rowUnits(program: Program): ReadonlyMap<string, number> {
  const stages = new Map(program.stages.map((stage) => [stage.id, stage]));
  const units = new Map<string, number>();
  for (const instance of [...program.schedule, program.sample]) {
    const stage = stages.get(instance.stage);
    for (const step of stage ? stepsOf(stage) : []) {
      const operand = step.split && step.bind[step.split.binding];
      if (!operand || !('matrix' in operand)) continue;
      const id = instance.matrices[operand.matrix]!;
      const { rowsPerWorkgroup, partRows = 1 } = step.split!;
      const rows = leastCommonMultiple(Math.max(1, rowsPerWorkgroup), partRows);
      units.set(id, leastCommonMultiple(units.get(id) ?? 1, rows));
    }
  }
  return units;
}

export function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
