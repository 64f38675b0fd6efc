import type { ModelState } from './model-state.js';
import { slotBytes } from './banks.js';

/**
 * What is needed to take sequences of a state back to a point in the past: a copy of their recurrences, which cannot be
 * rewound. Caches are as they were up to the length they had, as long as nothing shorter was made of them since.
 */
export class Snapshot {
  readonly #state: ModelState;
  readonly #index: ReadonlyMap<number, number>;
  readonly #buffers = new Map<string, GPUBuffer>();
  readonly #lengths = new Map<number, number>();
  readonly #seen = new Map<number, Uint32Array>();

  /** Makes room for copies of these sequences. Whether there was memory is known after `DeviceMemory.settle`. */
  constructor(state: ModelState, sequences: readonly number[]) {
    this.#state = state;
    this.#index = new Map(sequences.map((sequence, i) => [sequence, i]));
    for (const spec of this.#recurrent()) {
      const bytes = slotBytes(spec, 0) * sequences.length;
      const { memory } = state.context;
      this.#buffers.set(spec.id, memory.buffer(`snapshot of ${spec.id}`, bytes, 0xc, 'states'));
    }
  }

  #recurrent() {
    return this.#state.context.program.states.filter(({ kind }) => kind === 'sequence');
  }

  /** Records copying the sequences as they are at this point of the queue, with the lengths they have there. */
  save(encoder: GPUCommandEncoder, sequences: Iterable<number> = this.#index.keys()): void {
    for (const sequence of sequences) {
      this.#copy(encoder, sequence, 'save');
      this.#lengths.set(sequence, this.#state.lengths[sequence]!);
      this.#seen.set(sequence, this.#state.seen.of(sequence).slice());
    }
  }

  /** Length that a sequence had when it was saved. */
  lengthOf(sequence: number): number {
    return this.#lengths.get(sequence)!;
  }

  /** Takes a sequence back, with the token ids it had seen. */
  restore(encoder: GPUCommandEncoder, sequence: number): void {
    this.#copy(encoder, sequence, 'restore');
    this.#state.setLength(sequence, this.#lengths.get(sequence)!);
    this.#state.seen.of(sequence).set(this.#seen.get(sequence)!);
  }

  #copy(encoder: GPUCommandEncoder, sequence: number, direction: 'save' | 'restore'): void {
    const { bank, slot } = this.#state.slotOf(sequence);
    for (const spec of this.#recurrent()) {
      const bytes = slotBytes(spec, 0);
      const live = { buffer: bank.buffers.get(spec.id)!, offset: slot * bytes };
      const kept = { buffer: this.#buffers.get(spec.id)!, offset: this.#index.get(sequence)! * bytes };
      const [from, to] = direction === 'save' ? [live, kept] : [kept, live];
      encoder.copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, bytes);
    }
  }

  dispose(): void {
    for (const buffer of this.#buffers.values()) this.#state.context.memory.free(buffer);
    this.#buffers.clear();
  }
}
