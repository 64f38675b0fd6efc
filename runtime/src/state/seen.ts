/** Which token ids each sequence of a state holds: one bit for each. For repetition penalties. */
export class Seen {
  readonly words: number;
  readonly #bits: Uint32Array<ArrayBuffer>;

  constructor(sequences: number, vocab: number) {
    this.words = Math.ceil(vocab / 32);
    this.#bits = new Uint32Array(sequences * this.words);
  }

  add(sequence: number, token: number): void {
    this.#bits[sequence * this.words + (token >>> 5)]! |= 1 << (token & 31);
  }

  /** The bits of a sequence; a view. */
  of(sequence: number): Uint32Array<ArrayBuffer> {
    return this.#bits.subarray(sequence * this.words, (sequence + 1) * this.words);
  }

  clear(sequence: number): void {
    this.of(sequence).fill(0);
  }

  copy(sequence: number, from: Seen, other: number): void {
    this.of(sequence).set(from.of(other));
  }
}
