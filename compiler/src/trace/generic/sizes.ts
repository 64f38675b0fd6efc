/**
 * Sizes of a block that is checked for all its arguments. Each whole-number parameter gets a sample size, chosen so that
 * two different products and sums of parameters do not come out equal by chance; messages call sizes by what they are made of.
 */
export class GenericSizes {
  readonly #texts = new Map<number, string>();
  readonly #names = new Map<string, number>();

  /** Remembers that `text` says `size`; the first text stays. */
  learn(size: number, text: string): void {
    if (!this.#texts.has(size)) this.#texts.set(size, text);
  }

  /** A parameter or named dimension; it goes by its name. */
  name(name: string, size: number): void {
    this.#names.set(name, size);
    this.learn(size, name);
  }

  isNameOf(name: string, size: number): boolean {
    return this.#names.get(name) === size;
  }

  /** `heads * head_dim`; a size that nobody wrote down as a product of two that somebody did, or else as a number. */
  describe(size: number): string {
    const known = this.#texts.get(size);
    if (known !== undefined) return known;
    for (const [factor, text] of this.#texts) {
      if (factor < 2 || size % factor !== 0) continue;
      const other = this.#texts.get(size / factor);
      if (other !== undefined) return `${parenthesize(text)} * ${parenthesize(other)}`;
      if (size / factor <= 64) return `${size / factor} * ${parenthesize(text)}`;
    }
    return `${size}`;
  }
}

function parenthesize(text: string): string {
  return /[+-]/.test(text) ? `(${text})` : text;
}
