/** Dispatches of real programs, kept so that mutants of their kernels can be run on the same inputs. */
import { BUFFER_TYPE } from '../../src/kernel/buffers.js';
import type { BufferData, Mutant, RunOptions, WeightsBuffer } from '../../src/kernel/check/index.js';
import { describeFault, mutate, PROBE, run } from '../../src/kernel/check/index.js';
import { lanesOf } from '../../src/kernel/expressions.js';
import type { Expression, Kernel, Statement } from '../../src/kernel/ir.js';
import { verifyKernel } from '../../src/kernel/verify.js';
import type { StepDetails } from './program.js';

interface Dispatch {
  readonly options: RunOptions;
  /** What the kernel itself makes of the buffers that it writes. */
  readonly expected: ReadonlyMap<string, BufferData>;
}

export interface RecordedKernel {
  readonly kernel: Kernel;
  readonly dispatches: Dispatch[];
}

type Split = NonNullable<StepDetails['split']>;

/** Dispatches of a kernel that are kept: pieces of prompts of different lengths. */
const DISPATCHES = 2;
/** Subgroups in turn: the smallest, and one that is the whole of most workgroups. */
const SUBGROUPS = [4, 128];

/** Keeps dispatches of every wanted kernel; those that differ in their numbers alone count as one. */
export class DispatchRecord {
  /** By shape. */
  readonly kernels = new Map<string, RecordedKernel>();
  /** What the checking interpreter found. */
  readonly faults: string[] = [];
  /** Dispatches of a kernel that are kept. */
  perKernel = DISPATCHES;

  /** @param wanted shapes */
  constructor(readonly wanted: ReadonlySet<string>) {}

  /** Whether a kernel is of a wanted shape of which nothing has been kept. */
  misses(kernel: Kernel): boolean {
    const shape = shapeOf(kernel);
    return this.wanted.has(shape) && !this.kernels.has(shape);
  }

  /** Whether the kernel's next dispatch will be kept. */
  keeps(kernel: Kernel): boolean {
    const recorded = this.kernels.get(shapeOf(kernel));
    if (!recorded) return this.misses(kernel);
    return recorded.kernel === kernel && recorded.dispatches.length < this.perKernel;
  }

  /**
   * Runs a dispatch, with all checks if it is kept. One over a matrix is then run as two over parts of it, of which one is
   * kept: parts end in the middle of a tile where the matrix would not, and the second does not begin at row 0.
   */
  run(kernel: Kernel, options: RunOptions, split?: Split): void {
    if (!this.keeps(kernel)) {
      run(kernel, { ...options, fast: true });
      return;
    }
    const shape = shapeOf(kernel);
    const recorded = this.kernels.get(shape) ?? { kernel, dispatches: [] };
    this.kernels.set(shape, recorded);
    const turn = recorded.dispatches.length;
    const parts = split ? partsOf(options, split) : [options];
    parts.forEach((part, i) => {
      if (i === turn % parts.length)
        recorded.dispatches.push(this.#check(kernel, { ...part, subgroupSize: SUBGROUPS[turn % SUBGROUPS.length]! }));
      else run(kernel, { ...part, fast: true });
    });
  }

  #check(kernel: Kernel, options: RunOptions): Dispatch {
    const before = copies(options.buffers);
    const { faults, reach } = run(kernel, { ...options, fast: false });
    this.faults.push(...faults.map((f) => `${kernel.name}: ${describeFault(f)}`));
    const expected = new Map(writtenBy(kernel).map((name) => [name, copyOf(options.buffers[name]!)]));
    // What lies behind the values in a buffer of several uses would hide that a mutant reads past their end.
    const read = kernel.buffers.flatMap(({ name, element }) => {
      const elements = reach[name];
      return elements === undefined ? [] : [[name, firstOf(before[name]!, elements * lanesOf(BUFFER_TYPE[element]))]];
    });
    return { options: { ...options, fast: false, buffers: { ...before, ...Object.fromEntries(read) } }, expected };
  }
}

/** Rows of a matrix that no kernel takes more of in a workgroup. */
const TILE = 64;

/** Two dispatches over parts of the rows, the first of which ends early in a tile where there are more. */
function partsOf(options: RunOptions, split: Split): readonly RunOptions[] {
  const rows = options.uniforms![split.count]!;
  // Kernels take two rows together where they do not say how many.
  const unit = split.partRows > 1 ? split.partRows : 2;
  const ends = Array.from({ length: Math.ceil(rows / unit) - 1 }, (_, i) => (i + 1) * unit);
  if (ends.length === 0) return [options];
  const filled = (end: number): number => (end > TILE ? (end - 1) % TILE : TILE);
  const middle = ends[ends.length >> 1]!;
  const first = ends.reduce((best, end) => (filled(end) < filled(best) ? end : best), middle);
  const { data } = options.buffers[split.buffer] as WeightsBuffer & { readonly data: Float32Array };
  const pitch = data.length / rows;
  return [
    [0, first],
    [first, rows],
  ].map(([from, to]): RunOptions => {
    const grid = [...options.grid] as [number, number, number];
    if (split.rowsPerWorkgroup > 0) grid[split.axis] = Math.ceil((to! - from!) / split.rowsPerWorkgroup);
    const part = { storage: 'f32', data: data.subarray(from! * pitch, to! * pitch) } as const;
    return {
      ...options,
      buffers: { ...options.buffers, [split.buffer]: part },
      uniforms: { ...options.uniforms, [split.base]: from!, [split.count]: to! - from! },
      grid,
    };
  });
}

function firstOf(data: BufferData, elements: number): BufferData {
  return 'storage' in data
    ? ({ ...data, data: (data.data as Float32Array).subarray(0, elements) } as BufferData)
    : data.subarray(0, elements);
}

/** Buffers that a kernel writes. */
export const writtenBy = (kernel: Kernel): readonly string[] =>
  kernel.buffers.filter((b) => b.access === 'read_write').map((b) => b.name);

/** Up to `count` mutants, of different kinds while there are; other kinds and places for another `turn`. */
export function mutantsOf(kernel: Kernel, turn: number, count: number): readonly Mutant[] {
  const all = mutate(kernel);
  const kinds = [...new Set(all.map(({ kind }) => kind))];
  const inTurn = Array.from({ length: Math.min(count, all.length) }, (_, i) => {
    const same = all.filter(({ kind }) => kind === kinds[(turn + i) % kinds.length]);
    return same[(7 * turn + Math.floor(i / kinds.length)) % same.length]!;
  });
  return count >= all.length ? all : [...new Set(inTurn)];
}

/**
 * - `caught`: checking notices it: a fault, or a result that is off by more than the tolerance
 * - `same`: in all dispatches it executes what the kernel executes
 * - `idle`: what it does besides is of no account: see `Mutant.exaggerated`
 */
export function verdictOn(
  { dispatches }: RecordedKernel,
  mutant: Mutant,
  tolerance: number,
): 'caught' | 'same' | 'idle' | 'survives' {
  if (verifyKernel(mutant.kernel).length > 0) return 'caught';
  if (dispatches.some((d) => notices(mutant, d, tolerance))) return 'caught';
  const probe = mutant.probe();
  if (dispatches.every((d) => !differsIn(probe, d))) return 'same';
  const exaggerated = mutant.exaggerated();
  const idle = exaggerated.length > 0 && exaggerated.every((kernel) => dispatches.every((d) => isIdle(kernel, d)));
  return idle ? 'idle' : 'survives';
}

function isIdle(exaggerated: Kernel, { options, expected }: Dispatch): boolean {
  const noted = new Uint32Array(1);
  const buffers: Record<string, BufferData> = { ...copies(options.buffers), [PROBE]: noted };
  // Invocations note without a barrier between.
  const fast = exaggerated.buffers.some(({ name }) => name === PROBE);
  const { faults } = run(exaggerated, { ...options, buffers, fast, faultLimit: 1 });
  return (
    faults.length === 0 && noted[0] === 0 && [...expected].every(([name, data]) => !differ(buffers[name]!, data, 0))
  );
}

function notices(mutant: Mutant, { options, expected }: Dispatch, tolerance: number): boolean {
  const buffers = copies(options.buffers);
  const { faults } = run(mutant.kernel, { ...options, buffers, faultLimit: 1, iterations: 2 ** 24 });
  return faults.length > 0 || [...expected].some(([name, data]) => differ(buffers[name]!, data, tolerance));
}

function differsIn(probe: Kernel, { options }: Dispatch): boolean {
  const noted = new Uint32Array(1);
  const buffers = { ...copies(options.buffers), [PROBE]: noted };
  const { faults } = run(probe, { ...options, buffers, fast: true, faultLimit: 1 });
  return faults.length > 0 || noted[0] !== 0;
}

/** Kernels have equal ones if they differ in names, texts and numbers alone. */
export function shapeOf(kernel: Kernel): string {
  const known = shapes.get(kernel);
  if (known !== undefined) return known;
  const buffers = kernel.buffers.map((b) => ({ ...b, doc: '' }));
  const shape = JSON.stringify(
    { ...kernel, name: '', doc: '', workgroupSize: [], folds: 0, buffers },
    (_, value: Expression | Statement | null) => {
      if (typeof value !== 'object' || value === null) return value;
      if (value.kind === 'literal') return { ...value, value: 0 };
      return value.kind === 'comment' ? 'comment' : value;
    },
  );
  shapes.set(kernel, shape);
  return shape;
}
const shapes = new WeakMap<Kernel, string>();

const copyOf = (data: BufferData): BufferData => ('storage' in data ? data : data.slice());

export function copies(buffers: RunOptions['buffers']): Record<string, BufferData> {
  return Object.fromEntries(Object.entries(buffers).map(([name, data]) => [name, copyOf(data)]));
}

/** Whether a result differs by more than so much of the larger of itself and one. */
export function differ(a: BufferData, b: BufferData, tolerance: number): boolean {
  if ('storage' in a || 'storage' in b) return false;
  for (let i = 0; i < b.length; i++) {
    if (!(Math.abs(a[i]! - b[i]!) <= tolerance * Math.max(1, Math.abs(b[i]!)))) return true;
  }
  return false;
}
