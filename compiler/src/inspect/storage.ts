/** How a program's matrices lie on a device, and into how many dispatches its steps fall. */
import type { MatrixSpec, Program, StageInstance, Step, StorageType } from '@hyb/runtime';

/** Bytes of an element in storage. */
export const STORAGE_BYTES: Readonly<Record<StorageType, number>> = { f32: 4, f16: 2, bf16: 2 };

export interface DispatchLimits {
  /** Largest storage binding, bytes. */
  readonly bindingBytes: number;
  /** Most workgroups in one dimension of a dispatch. */
  readonly workgroups: number;
}

/** What every WebGPU device has. */
export const DEFAULT_LIMITS: DispatchLimits = { bindingBytes: 128 * 2 ** 20, workgroups: 65_535 };

/** Bindings begin at multiples of this many bytes. */
const OFFSET_ALIGNMENT = 256;

export class MatrixStorage {
  readonly #matrices: ReadonlyMap<string, MatrixSpec>;
  readonly #dtypes: ReadonlyMap<string, StorageType>;
  readonly #units: ReadonlyMap<string, number>;

  /** @param storage how loading stores all matrices; absent: as the program says */
  constructor(
    readonly program: Program,
    readonly storage: StorageType | undefined,
    readonly limits: DispatchLimits = DEFAULT_LIMITS,
  ) {
    this.#matrices = new Map(program.matrices.map((m) => [m.id, m]));
    this.#dtypes = new Map(program.parameters.map((p) => [p.path, p.dtype]));
    this.#units = rowUnits(program);
  }

  /** Storage of a matrix: its parameters' where they agree, else f32. */
  typeOf(matrix: MatrixSpec): StorageType {
    if (this.storage) return this.storage;
    const types = new Set(matrix.parts.map((p) => this.#dtypes.get(p.parameter) ?? 'f32'));
    return types.size === 1 ? [...types][0]! : 'f32';
  }

  bytesOf(matrix: MatrixSpec): number {
    return matrix.rows * matrix.columns * STORAGE_BYTES[this.typeOf(matrix)];
  }

  /** The matrix that a step reads through a binding. */
  bound(step: Step, binding: number, instance: StageInstance): MatrixSpec | undefined {
    const operand = step.bind[binding]!;
    return 'matrix' in operand ? this.#matrices.get(instance.matrices[operand.matrix]!) : undefined;
  }

  /** Number of dispatches that a step takes. */
  dispatches(step: Step, instance: StageInstance): number {
    const matrix = step.split && this.bound(step, step.split.binding, instance);
    if (!step.split || !matrix) return 1;
    const rowBytes = matrix.columns * STORAGE_BYTES[this.typeOf(matrix)];
    const { rowsPerWorkgroup, partRows = 1 } = step.split;
    const parts = cut(matrix.rows, matrix.rows * rowBytes, rowBytes, this.#units.get(matrix.id) ?? 1, this.limits);
    if (rowsPerWorkgroup === 0) return parts.length;
    const most = mostRows(rowBytes, rowsPerWorkgroup, partRows, this.limits);
    return parts.reduce((n, rows) => n + Math.ceil(rows / most), 0);
  }
}

/** Rows of each buffer of a matrix: it is parted where it exceeds a binding, at multiples of `unit` rows. */
function cut(rows: number, bytes: number, rowBytes: number, unit: number, { bindingBytes }: DispatchLimits): number[] {
  if (bytes <= bindingBytes) return [rows];
  const most = Math.max(unit, Math.floor(bindingBytes / rowBytes / unit) * unit);
  return Array.from({ length: Math.ceil(rows / most) }, (_, i) => Math.min(most, rows - i * most));
}

/** Rows that one grid covers, a number at whose multiples a binding may begin. */
function mostRows(
  rowBytes: number,
  rowsPerWorkgroup: number,
  partRows: number,
  { workgroups }: DispatchLimits,
): number {
  let aligned = 1;
  while ((aligned * rowBytes) % OFFSET_ALIGNMENT !== 0) aligned *= 2;
  const unit = leastCommonMultiple(leastCommonMultiple(aligned, rowsPerWorkgroup), partRows);
  const fits = workgroups * rowsPerWorkgroup;
  return Math.max(unit, Math.floor(fits / unit) * unit);
}

/** For each matrix a number of rows that all kernels that walk it can be cut at. */
function rowUnits(program: Program): ReadonlyMap<string, number> {
  const stages = new Map(program.stages.map((s) => [s.id, s]));
  const units = new Map<string, number>();
  for (const instance of [...program.schedule, program.sample]) {
    const stage = stages.get(instance.stage);
    for (const step of [...(stage?.prefill ?? []), ...(stage?.decode ?? [])]) {
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

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
