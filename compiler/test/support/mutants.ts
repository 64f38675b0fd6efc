/** Dispatches of real programs, kept so that mutants of their kernels can be run on the same inputs. */
import type { BufferData, Mutant, RunOptions } from '../../src/kernel/check/index.js';
import { run } from '../../src/kernel/check/index.js';
import type { Kernel } from '../../src/kernel/ir.js';
import { verifyKernel } from '../../src/kernel/verify.js';

interface Dispatch {
  readonly options: RunOptions;
  /** What the kernel itself makes of the buffers that it writes. */
  readonly expected: ReadonlyMap<string, BufferData>;
}

const copyOf = (data: BufferData): BufferData => ('storage' in data ? data : data.slice());

/** Keeps the first dispatches of every kernel. */
export class DispatchRecord {
  readonly kernels = new Map<Kernel, Dispatch[]>();

  constructor(private readonly perKernel: number) {}

  readonly observe = (kernel: Kernel, options: RunOptions): void => {
    let list = this.kernels.get(kernel);
    if (!list) this.kernels.set(kernel, (list = []));
    if (list.length >= this.perKernel) return;
    const kept = { ...options, buffers: copies(options.buffers) };
    const buffers = copies(options.buffers);
    const { faults } = run(kernel, { ...options, buffers });
    if (faults.length > 0) throw new Error(`${kernel.name} has faults of its own`);
    const written = kernel.buffers.filter((b) => b.access === 'read_write');
    list.push({ options: kept, expected: new Map(written.map((b) => [b.name, buffers[b.name]!])) });
  };

  /** Whether checking notices the mutant: a fault, or a result that is off by more than the tolerance. */
  catches(kernel: Kernel, mutant: Mutant, tolerance: number): boolean {
    if (verifyKernel(mutant.kernel).length > 0) return true;
    return this.kernels.get(kernel)!.some(({ options, expected }) => {
      const buffers = copies(options.buffers);
      const { faults } = run(mutant.kernel, { ...options, buffers, faultLimit: 1, iterations: 2 ** 24 });
      return faults.length > 0 || [...expected].some(([name, data]) => differ(buffers[name]!, data, tolerance));
    });
  }
}

function copies(buffers: RunOptions['buffers']): Record<string, BufferData> {
  return Object.fromEntries(Object.entries(buffers).map(([name, data]) => [name, copyOf(data)]));
}

function differ(a: BufferData, b: BufferData, tolerance: number): boolean {
  if ('storage' in a || 'storage' in b) return false;
  for (let i = 0; i < b.length; i++) {
    if (!(Math.abs(a[i]! - b[i]!) <= tolerance * Math.max(1, Math.abs(b[i]!)))) return true;
  }
  return false;
}
