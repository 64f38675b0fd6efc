/** Shadow memory: who wrote and read each element, and since which barrier. */
import type { FaultLog } from './faults.js';

const MANY = -1;

/** Where the dispatch is: numbers that only grow. */
export class Clock {
  workgroup = 0;
  /** Interval between barriers. */
  interval = 1;
  /** Interval between storage barriers. */
  storageInterval = 1;

  nextWorkgroup(): void {
    this.workgroup++;
    this.interval++;
    this.storageInterval++;
  }
  barrier(storage: boolean): void {
    this.interval++;
    if (storage) this.storageInterval++;
  }
}

/** Workgroup memory. Written elements are known for the workgroup at hand only. */
export class SharedShadow {
  /** Barrier interval and invocation + 1 of the last write, and of reads in the last interval that read. */
  private readonly writeInterval: Int32Array;
  private readonly writer: Int32Array;
  private readonly readInterval: Int32Array;
  private readonly reader: Int32Array;
  private readonly writtenIn: Int32Array;

  constructor(
    private readonly name: string,
    length: number,
    private readonly clock: Clock,
    private readonly log: FaultLog,
  ) {
    this.writeInterval = new Int32Array(length);
    this.writer = new Int32Array(length);
    this.readInterval = new Int32Array(length);
    this.reader = new Int32Array(length);
    this.writtenIn = new Int32Array(length);
  }

  read(i: number, t: number, site: number): void {
    const interval = this.clock.interval;
    if (this.writtenIn[i] !== this.clock.workgroup)
      this.log.report('uninitialised', site, t, `${this.name}[${i}] was not written`);
    if (this.writeInterval[i] === interval && this.writer[i] !== t) this.race(site, t, i, 'written', this.writer[i]!);
    if (this.readInterval[i] !== interval) {
      this.readInterval[i] = interval;
      this.reader[i] = t;
    } else if (this.reader[i] !== t) {
      this.reader[i] = MANY;
    }
  }

  write(i: number, t: number, site: number): void {
    const interval = this.clock.interval;
    if (this.writeInterval[i] === interval && this.writer[i] !== t) this.race(site, t, i, 'written', this.writer[i]!);
    if (this.readInterval[i] === interval && this.reader[i] !== t) this.race(site, t, i, 'read', this.reader[i]!);
    this.writeInterval[i] = interval;
    this.writer[i] = t;
    this.writtenIn[i] = this.clock.workgroup;
  }

  private race(site: number, t: number, i: number, verb: string, other: number): void {
    const who = other === MANY ? 'others' : `invocation ${other}`;
    this.log.report('race', site, t, `${this.name}[${i}] is also ${verb} by ${who} since the last barrier`);
  }
}

/** A storage buffer that the kernel writes. Nothing orders workgroups; a storage barrier orders invocations of one. */
export class StorageShadow {
  /** Of the last write: workgroup (0: none), barrier interval, invocation. */
  private readonly writeGroup: Int32Array;
  private readonly writeInterval: Int32Array;
  private readonly writer: Int32Array;
  private readonly readGroup: Int32Array;
  private readonly readInterval: Int32Array;
  private readonly reader: Int32Array;
  /** Components not written yet, one bit each; undefined: all initialised. */
  private readonly missing: Uint8Array | undefined;

  constructor(
    private readonly name: string,
    length: number,
    lanes: number,
    initialised: boolean,
    private readonly clock: Clock,
    private readonly log: FaultLog,
  ) {
    this.writeGroup = new Int32Array(length);
    this.writeInterval = new Int32Array(length);
    this.writer = new Int32Array(length);
    this.readGroup = new Int32Array(length);
    this.readInterval = new Int32Array(length);
    this.reader = new Int32Array(length);
    this.missing = initialised ? undefined : new Uint8Array(length).fill((1 << lanes) - 1);
  }

  read(i: number, t: number, site: number): void {
    const group = this.clock.workgroup;
    if (this.missing && this.missing[i] !== 0)
      this.log.report('uninitialised', site, t, `${this.name}[${i}] was not written`);
    this.againstWrite(i, t, site);
    if (this.readGroup[i] === 0) {
      this.readGroup[i] = group;
    } else if (this.readGroup[i] !== group) {
      this.readGroup[i] = MANY;
      return;
    }
    if (this.readInterval[i] !== this.clock.storageInterval) {
      this.readInterval[i] = this.clock.storageInterval;
      this.reader[i] = t;
    } else if (this.reader[i] !== t) {
      this.reader[i] = MANY;
    }
  }

  /** `components`: a bit for each component that is written. */
  write(i: number, t: number, site: number, components: number): void {
    this.againstWrite(i, t, site);
    const readGroup = this.readGroup[i]!;
    if (readGroup !== 0) {
      if (readGroup !== this.clock.workgroup) this.race(site, t, i, 'read by another workgroup');
      else if (this.readInterval[i] === this.clock.storageInterval && this.reader[i] !== t)
        this.race(site, t, i, 'read by another invocation');
    }
    this.writeGroup[i] = this.clock.workgroup;
    this.writeInterval[i] = this.clock.storageInterval;
    this.writer[i] = t;
    if (this.missing) this.missing[i]! &= ~components;
  }

  private againstWrite(i: number, t: number, site: number): void {
    const group = this.writeGroup[i]!;
    if (group === 0) return;
    if (group !== this.clock.workgroup) this.race(site, t, i, 'written by another workgroup');
    else if (this.writeInterval[i] === this.clock.storageInterval && this.writer[i] !== t)
      this.race(site, t, i, 'written by another invocation');
  }

  private race(site: number, t: number, i: number, other: string): void {
    this.log.report('race', site, t, `${this.name}[${i}] is also ${other}`);
  }

  /** Number of elements with a component that nobody wrote. */
  get unwritten(): number {
    return this.missing ? this.missing.reduce((n, bits) => n + (bits === 0 ? 0 : 1), 0) : 0;
  }
}
