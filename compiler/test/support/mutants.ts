/** Dispatches of real programs, kept so that mutants of their kernels can be run on the same inputs. */
import type { BufferData, Mutant, MutateOptions, RunOptions } from '../../src/kernel/check/index.js';
import { describeFault, mutate, PROBE, run } from '../../src/kernel/check/index.js';
import type { Expression, Kernel, Statement } from '../../src/kernel/ir.js';
import { verifyKernel } from '../../src/kernel/verify.js';

interface Dispatch {
  readonly options: RunOptions;
  /** What the kernel itself makes of the buffers that it writes. */
  readonly expected: ReadonlyMap<string, BufferData>;
}

interface RecordedKernel {
  readonly kernel: Kernel;
  readonly dispatches: Dispatch[];
  /** Elements that its first dispatch may write. */
  readonly size: number;
}

/** Kernels that differ in their numbers alone: mutant i of one is mutant i of the others, at other sizes. */
export type KernelShape = RecordedKernel[];

/** Kernels of a shape that are kept at least; larger ones are kept in any case, so that no tile stays empty. */
const KERNELS = 1;
const DISPATCHES = 2;

/** Keeps dispatches of every kernel. */
export class DispatchRecord {
  readonly shapes = new Map<string, KernelShape>();
  /** What the checking interpreter found. */
  readonly faults: string[] = [];
  /** Dispatches of a kernel that are kept. */
  perKernel = DISPATCHES;

  isKnown(kernel: Kernel): boolean {
    return this.shapes.has(shapeOf(kernel));
  }

  /** Runs the dispatch with all checks, if it is to be kept. @returns what the kernel has written */
  readonly observe = (kernel: Kernel, options: RunOptions): ReadonlyMap<string, BufferData> | undefined => {
    const shape = shapeOf(kernel);
    let kernels = this.shapes.get(shape);
    if (!kernels) this.shapes.set(shape, (kernels = []));
    let recorded = kernels.find((k) => k.kernel === kernel);
    if (!recorded) {
      const size = sizeOf(kernel, options);
      if (kernels.length >= KERNELS && kernels.some((k) => k.size >= size)) return undefined;
      kernels.push((recorded = { kernel, dispatches: [], size }));
    }
    if (recorded.dispatches.length >= this.perKernel) return undefined;
    const kept = { ...options, fast: false, buffers: copies(options.buffers) };
    const buffers = copies(options.buffers);
    const { faults } = run(kernel, { ...kept, buffers });
    this.faults.push(...faults.map((f) => `${kernel.name}: ${describeFault(f)}`));
    const expected = new Map(written(kernel).map((name) => [name, buffers[name]!]));
    recorded.dispatches.push({ options: kept, expected });
    return expected;
  };
}

const written = (kernel: Kernel): readonly string[] =>
  kernel.buffers.filter((b) => b.access === 'read_write').map((b) => b.name);

function sizeOf(kernel: Kernel, { buffers }: RunOptions): number {
  return written(kernel).reduce((n, name) => n + (buffers[name] as Float32Array).length, 0);
}

/** Mutants of all kernels of a shape, by the mistake. */
export function mutantsOf(shape: KernelShape, options: MutateOptions = {}): readonly (readonly Mutant[])[] {
  const all = shape.map(({ kernel }) => mutate(kernel, options));
  return all[0]!.map((_, i) => all.map((mutants) => mutants[i]!));
}

/**
 * - `caught`: checking notices it at some size: a fault, or a result that is off by more than the tolerance
 * - `same`: at all sizes it executes what the kernel executes
 */
export function verdictOn(
  shape: KernelShape,
  mutants: readonly Mutant[],
  tolerance: number,
): 'caught' | 'same' | 'survives' {
  if (mutants.some((mutant) => verifyKernel(mutant.kernel).length > 0)) return 'caught';
  if (shape.some(({ dispatches }, i) => dispatches.some((d) => notices(mutants[i]!, d, tolerance)))) return 'caught';
  const same = shape.every(({ dispatches }, i) => {
    const probe = mutants[i]!.probe();
    return dispatches.every((d) => !differsIn(probe, d));
  });
  return same ? 'same' : 'survives';
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
  const shape = JSON.stringify({ ...kernel, name: '', doc: '', buffers }, (_, value: Expression | Statement | null) => {
    if (typeof value !== 'object' || value === null) return value;
    if (value.kind === 'literal') return { ...value, value: 0 };
    return value.kind === 'comment' ? 'comment' : value;
  });
  shapes.set(kernel, shape);
  return shape;
}
const shapes = new WeakMap<Kernel, string>();

const copyOf = (data: BufferData): BufferData => ('storage' in data ? data : data.slice());

function copies(buffers: RunOptions['buffers']): Record<string, BufferData> {
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
