import { UsageError } from '../errors.js';
import type { Region } from '../memory/readback.js';
import { disposable } from '../dispose.js';
import type { StateSpec } from '../program/program.js';
import { contextBound } from '../program/batch.js';
import { makeBanks, slotBytes, slotsPerBank, type Bank } from './banks.js';
import { Seen } from './seen.js';
import { serializeState } from './serialize.js';
import type { State, StateOptions } from './types.js';
import type { StateContext } from './context.js';

/** Slot of a bank. */
interface Slot {
  readonly bank: Bank;
  readonly slot: number;
}

const MOST_SEQUENCES = 65_536;

export class ModelState implements State {
  readonly context: StateContext;
  readonly seen: Seen;
  readonly #lengths: number[];
  #banks: readonly Bank[];
  #capacity: number;
  #busy: string | undefined;
  #disposed = false;

  /** Use `ModelState.create`. */
  private constructor(context: StateContext, sequences: number, capacity: number, banks: readonly Bank[]) {
    this.context = context;
    this.#banks = banks;
    this.#capacity = capacity;
    this.#lengths = new Array<number>(sequences).fill(0);
    this.seen = new Seen(sequences, context.program.model.vocab);
    context.states.add(this);
  }

  static async create(context: StateContext, { sequences = 1, capacity = 256 }: StateOptions): Promise<ModelState> {
    for (const [name, value] of Object.entries({ sequences, capacity })) {
      if (!Number.isSafeInteger(value) || value < 1) {
        throw new UsageError('bad-argument', `A state's ${name} is a positive integer, not ${value}.`);
      }
    }
    if (sequences > MOST_SEQUENCES) {
      throw new UsageError('bad-argument', `A state has at most ${MOST_SEQUENCES} sequences, not ${sequences}.`);
    }
    const { program, device, memory } = context;
    const room = contextBound(capacity);
    const banks = makeBanks(
      program.states,
      sequences,
      room,
      slotsPerBank(program.states, sequences, room, device),
      memory,
    );
    await settleOrFree(context, banks);
    return new ModelState(context, sequences, room, banks);
  }

  get sequences(): number {
    return this.#lengths.length;
  }

  get capacity(): number {
    return this.#capacity;
  }

  get lengths(): readonly number[] {
    return this.#lengths;
  }

  get banks(): readonly Bank[] {
    return this.#banks;
  }

  get bytes(): number {
    return this.#banks.reduce(
      (sum, { slots, capacity }) => this.#specs.reduce((total, spec) => total + slots * slotBytes(spec, capacity), sum),
      0,
    );
  }

  get #specs(): readonly StateSpec[] {
    return this.context.program.states;
  }

  slotOf(sequence: number): Slot {
    const bank = this.#banks.findLast(({ first }) => first <= sequence)!;
    return { bank, slot: sequence - bank.first };
  }

  /** Notes that a sequence holds tokens up to `length` now. */
  setLength(sequence: number, length: number): void {
    this.#lengths[sequence] = length;
  }

  /**
   * Runs something that reads or changes the state, to the exclusion of everything else.
   *
   * @throws UsageError `state-busy`, `disposed`
   */
  async exclusively<T>(what: string, run: () => Promise<T>): Promise<T> {
    this.acquire(what);
    try {
      return await run();
    } finally {
      this.release();
    }
  }

  acquire(what: string): void {
    this.check(what);
    this.#busy = what;
  }

  release(): void {
    this.#busy = undefined;
  }

  /** @throws UsageError if the state cannot be used now */
  check(what: string): void {
    if (this.#disposed) throw new UsageError('disposed', `The state was disposed; ${what} needs it.`);
    if (this.#busy !== undefined) {
      throw new UsageError(
        'state-busy',
        `The state is in use by ${this.#busy}; ${what} has to wait for that, or use a fork.`,
      );
    }
  }

  /** Makes room for so many positions, if need be by moving the state to larger buffers. */
  async reserve(positions: number): Promise<void> {
    if (positions <= this.#capacity) return;
    const { program, device, memory } = this.context;
    const capacity = this.#grownCapacity(positions);
    const perBank = slotsPerBank(program.states, this.sequences, capacity, device);
    const before = this.#banks;
    const same = perBank === slotsPerBank(program.states, this.sequences, this.#capacity, device);
    const keep = (bank: number, spec: StateSpec): GPUBuffer | undefined =>
      same && spec.kind === 'sequence' ? before[bank]!.buffers.get(spec.id) : undefined;
    const banks = makeBanks(program.states, this.sequences, capacity, perBank, memory, keep);
    const kept = new Set(before.flatMap(({ buffers }) => [...buffers.values()]));
    await settleOrFree(this.context, banks, kept);

    device.record((encoder) => {
      for (let sequence = 0; sequence < this.sequences; sequence++) {
        const bank = banks.findLast(({ first }) => first <= sequence)!;
        const to = { bank, slot: sequence - bank.first };
        copySlot(encoder, this.#specs, this.slotOf(sequence), to, this.#lengths[sequence]!);
      }
    });
    const taken = new Set(banks.flatMap(({ buffers }) => [...buffers.values()]));
    for (const buffer of kept) if (!taken.has(buffer)) memory.free(buffer);
    this.#banks = banks;
    this.#capacity = capacity;
  }

  /** Doubles, as long as that fits a binding. */
  #grownCapacity(positions: number): number {
    const needed = contextBound(positions);
    const doubled = contextBound(Math.max(positions, this.#capacity * 2));
    const { maxStorageBufferBindingSize, maxBufferSize } = this.context.device.limits;
    const most = Math.min(maxStorageBufferBindingSize, maxBufferSize);
    return this.#specs.every((spec) => slotBytes(spec, doubled) <= most) ? doubled : needed;
  }

  /** What the state holds of a sequence, state by state; of caches only what is filled. */
  regions(sequence: number): Region[] {
    const { bank, slot } = this.slotOf(sequence);
    return this.#specs.map((spec) => ({
      buffer: bank.buffers.get(spec.id)!,
      offset: slot * slotBytes(spec, bank.capacity),
      bytes: slotBytes(spec, this.#lengths[sequence]!),
    }));
  }

  async fork({
    sequences = this.#lengths.map((_, i) => i),
  }: { sequences?: readonly number[] } = {}): Promise<ModelState> {
    for (const sequence of sequences) this.#checkSequence(sequence);
    return this.exclusively('fork', async () => {
      const options = { sequences: sequences.length, capacity: this.#capacity };
      const copy = await ModelState.create(this.context, options);
      this.context.device.record((encoder) => {
        sequences.forEach((sequence, i) => {
          const length = this.#lengths[sequence]!;
          copySlot(encoder, this.#specs, this.slotOf(sequence), copy.slotOf(i), length);
          copy.setLength(i, length);
          copy.seen.copy(i, this.seen, sequence);
        });
      });
      return copy;
    });
  }

  serialize(): Promise<Uint8Array> {
    return this.exclusively('serialize', () => serializeState(this));
  }

  reset(sequences: readonly number[] = this.#lengths.map((_, i) => i)): void {
    this.check('reset');
    for (const sequence of sequences) this.#checkSequence(sequence);
    this.context.device.record((encoder) => this.clear(encoder, sequences));
  }

  /** Makes sequences empty. */
  clear(encoder: GPUCommandEncoder, sequences: readonly number[]): void {
    for (const sequence of sequences) {
      const { bank, slot } = this.slotOf(sequence);
      for (const spec of this.#specs) {
        // Caches count only as far as the length says.
        if (spec.kind === 'token') continue;
        const bytes = slotBytes(spec, 0);
        encoder.clearBuffer(bank.buffers.get(spec.id)!, slot * bytes, bytes);
      }
      this.#lengths[sequence] = 0;
      this.seen.clear(sequence);
    }
  }

  #checkSequence(sequence: number): void {
    if (Number.isInteger(sequence) && sequence >= 0 && sequence < this.sequences) return;
    throw new UsageError('bad-argument', `The state has sequences 0 to ${this.sequences - 1}, not ${sequence}.`);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.context.states.delete(this);
    for (const { buffers } of this.#banks) for (const buffer of buffers.values()) this.context.memory.free(buffer);
  }

  declare [Symbol.dispose]: () => void;
}
disposable(ModelState);

function copySlot(
  encoder: GPUCommandEncoder,
  specs: readonly StateSpec[],
  from: Slot,
  to: Slot,
  positions: number,
): void {
  for (const spec of specs) {
    const source = from.bank.buffers.get(spec.id)!;
    const target = to.bank.buffers.get(spec.id)!;
    const bytes = slotBytes(spec, positions);
    if (source === target || bytes === 0) continue;
    const sourceOffset = from.slot * slotBytes(spec, from.bank.capacity);
    encoder.copyBufferToBuffer(source, sourceOffset, target, to.slot * slotBytes(spec, to.bank.capacity), bytes);
  }
}

/** @throws DeviceError `out-of-memory`, having freed what was made, except for `kept` */
async function settleOrFree(
  { memory }: StateContext,
  banks: readonly Bank[],
  kept: ReadonlySet<GPUBuffer> = new Set(),
): Promise<void> {
  try {
    await memory.settle();
  } catch (error) {
    for (const { buffers } of banks) {
      for (const buffer of buffers.values()) if (!kept.has(buffer)) memory.free(buffer);
    }
    throw error;
  }
}
