/** What the checking interpreter finds. */

export type FaultKind =
  /** Index past the end of a buffer, shared or private array. */
  | 'out_of_bounds'
  /** Two invocations touch one element without a barrier between, at least one of them writing. */
  | 'race'
  /** Shared memory, a private variable or an output buffer read before it was written. */
  | 'uninitialised'
  /** A barrier or subgroup operation that only some invocations of the workgroup reach. */
  | 'non_uniform'
  | 'division_by_zero'
  /** Shift by 32 or more. */
  | 'shift'
  /** NaN or infinity stored to a buffer: indeterminate in WGSL. */
  | 'non_finite'
  /** Buffers that share memory, one of them written. */
  | 'aliasing'
  /** More loop iterations than the budget. */
  | 'budget';

export interface Fault {
  readonly kind: FaultKind;
  /** Path of the statement: `4.for(k).body.2.store(y)`. */
  readonly path: string;
  readonly message: string;
  readonly workgroup: readonly [number, number, number];
  /** Index in the workgroup of the invocation that was first seen. */
  readonly invocation: number;
  /** How often it happened (once per kind and statement in this list). */
  readonly count: number;
}

export function describeFault(fault: Fault): string {
  const times = fault.count > 1 ? ` (${fault.count} times)` : '';
  return `${fault.kind} at ${fault.path}, workgroup ${fault.workgroup.join(' ')}, invocation ${fault.invocation}: ${fault.message}${times}`;
}

/** Ends the interpretation of a workgroup, or of the dispatch. */
export class Stop extends Error {
  constructor(readonly scope: 'workgroup' | 'dispatch') {
    super('stopped');
  }
}

interface OpenFault extends Omit<Fault, 'count'> {
  count: number;
}

/** Gathers faults, one entry for each kind and statement. */
export class FaultLog {
  readonly #faults = new Map<string, OpenFault>();
  workgroup: readonly [number, number, number] = [0, 0, 0];

  constructor(
    private readonly paths: readonly string[],
    private readonly limit: number,
  ) {}

  /** @throws Stop when there are more than the limit */
  report(kind: FaultKind, site: number, invocation: number, message: string): void {
    const key = `${kind}:${site}`;
    const known = this.#faults.get(key);
    if (known) {
      known.count++;
      return;
    }
    const path = this.paths[site] ?? '';
    this.#faults.set(key, { kind, path, message, workgroup: this.workgroup, invocation, count: 1 });
    if (this.#faults.size >= this.limit) throw new Stop('dispatch');
  }

  get faults(): readonly Fault[] {
    return [...this.#faults.values()];
  }
}
