/**
 * Shadow memory: who wrote and read each element last, and when.
 *
 * A time is one number: the interval between two barriers, in steps of the workgroup's size plus one, plus the invocation. The
 * last in an interval stands for several invocations. Workgroup memory and storage have clocks of their own, since other
 * barriers order them.
 */
import type { FaultLog } from './faults.js';

/** Workgroup memory: what another workgroup wrote is not written. */
export class SharedShadow {
  readonly #writes: Float64Array;
  readonly #reads: Float64Array;

  constructor(
    private readonly name: string,
    length: number,
    /** Of a workgroup. */
    private readonly invocations: number,
    private readonly log: FaultLog,
  ) {
    this.#writes = new Float64Array(length);
    this.#reads = new Float64Array(length);
  }

  /** @param interval,group when the interval and the workgroup began */
  read(i: number, site: number, now: number, interval: number, group: number): void {
    const write = this.#writes[i]!;
    if (write < group) this.log.report('uninitialised', site, now - interval, `${this.name}[${i}] was not written`);
    else if (write >= interval && write !== now) this.#race(site, i, 'written', write, now, interval);
    const read = this.#reads[i]!;
    if (read !== now) this.#reads[i] = read < interval ? now : interval + this.invocations;
  }

  write(i: number, site: number, now: number, interval: number): void {
    const write = this.#writes[i]!;
    const read = this.#reads[i]!;
    if (write >= interval && write !== now) this.#race(site, i, 'written', write, now, interval);
    if (read >= interval && read !== now) this.#race(site, i, 'read', read, now, interval);
    this.#writes[i] = now;
  }

  #race(site: number, i: number, verb: string, time: number, now: number, interval: number): void {
    const other = time - interval;
    const who = other === this.invocations ? 'others' : `invocation ${other}`;
    const message = `${this.name}[${i}] is also ${verb} by ${who} since the last barrier`;
    this.log.report('race', site, now - interval, message);
  }
}

/** Read by more than one workgroup. */
const GROUPS = -1;

/** A storage buffer that the kernel writes. Nothing orders workgroups; a storage barrier orders invocations of one. */
export class StorageShadow {
  /** 0: never. */
  readonly #writes: Float64Array;
  readonly #reads: Float64Array;
  /** Components not written yet, one bit each; undefined: all initialised. */
  readonly #missing: Uint8Array | undefined;

  constructor(
    private readonly name: string,
    length: number,
    lanes: number,
    initialised: boolean,
    /** Of a workgroup. */
    private readonly invocations: number,
    private readonly log: FaultLog,
  ) {
    this.#writes = new Float64Array(length);
    this.#reads = new Float64Array(length);
    this.#missing = initialised ? undefined : new Uint8Array(length).fill((1 << lanes) - 1);
  }

  read(i: number, site: number, now: number, interval: number, group: number): void {
    if (this.#missing !== undefined && this.#missing[i] !== 0)
      this.log.report('uninitialised', site, now - interval, `${this.name}[${i}] was not written`);
    this.#against('written', this.#writes[i]!, i, site, now, interval, group);
    const read = this.#reads[i]!;
    if (read === now || read === GROUPS) return;
    const elsewhere = read !== 0 && read < group;
    this.#reads[i] = elsewhere ? GROUPS : read < interval ? now : interval + this.invocations;
  }

  /** @param components a bit for each component that is written */
  write(i: number, site: number, now: number, interval: number, group: number, components: number): void {
    this.#against('written', this.#writes[i]!, i, site, now, interval, group);
    this.#against('read', this.#reads[i]!, i, site, now, interval, group);
    this.#writes[i] = now;
    if (this.#missing !== undefined) this.#missing[i]! &= ~components;
  }

  /** Reports an access of another workgroup, or of another invocation since the last storage barrier. */
  #against(verb: string, time: number, i: number, site: number, now: number, interval: number, group: number): void {
    if (time === now || time === 0 || (time >= group && time < interval)) return;
    const who = time < group ? 'workgroup' : 'invocation';
    this.log.report('race', site, now - interval, `${this.name}[${i}] is also ${verb} by another ${who}`);
  }

  /** Number of elements with a component that nobody wrote. */
  get unwritten(): number {
    return this.#missing?.reduce((n, bits) => n + (bits === 0 ? 0 : 1), 0) ?? 0;
  }
}
