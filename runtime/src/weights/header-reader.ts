import { WeightsError } from '../errors.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Reads the subset of JSON that safetensors headers are made of, straight from bytes: objects, arrays of integers and
 * strings. Unlike `JSON.parse` it lets the caller see duplicate keys, and numbers are exact or an error.
 */
export class HeaderReader {
  #at = 0;
  readonly #bytes: Uint8Array;
  readonly #file: string;
  readonly #text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes;
    this.#file = file;
  }

  fail(problem: string): never {
    throw new WeightsError(
      'bad-checkpoint',
      `${this.#file} is not a valid safetensors file: ${problem} (byte ${8 + this.#at}).`,
    );
  }

  /** Calls `entry` with each key, in order; it has to read the value. */
  object(entry: (key: string) => void): void {
    this.#expect('{');
    if (this.#skip('}')) return;
    do {
      const key = this.string();
      this.#expect(':');
      entry(key);
    } while (this.#skip(','));
    this.#expect('}');
  }

  /** An array of non-negative integers. */
  integers(most: number): number[] {
    const values: number[] = [];
    this.#expect('[');
    if (this.#skip(']')) return values;
    do {
      if (values.length === most) this.fail(`more than ${most} numbers`);
      values.push(this.#integer());
    } while (this.#skip(','));
    this.#expect(']');
    return values;
  }

  string(): string {
    this.#expect('"');
    const start = this.#at;
    let escaped = false;
    for (; ; this.#at++) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) this.fail('a text without an end');
      if (byte < 0x20) this.fail('a control character in a text');
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        escaped = true;
        this.#at++;
      }
    }
    const raw = this.#decode(start, this.#at);
    this.#at++;
    if (!escaped) return raw;
    try {
      return JSON.parse(`"${raw}"`) as string;
    } catch {
      return this.fail('an escape sequence that does not exist');
    }
  }

  /** Only spaces may follow. */
  end(): void {
    this.#space();
    if (this.#at < this.#bytes.length) this.fail('something follows the header');
  }

  #decode(start: number, end: number): string {
    try {
      return this.#text.decode(this.#bytes.subarray(start, end));
    } catch {
      return this.fail('a text that is not UTF-8');
    }
  }

  #integer(): number {
    this.#space();
    const start = this.#at;
    let value = 0;
    for (; ; this.#at++) {
      const digit = (this.#bytes[this.#at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      if (value > Number.MAX_SAFE_INTEGER) this.fail('a number over 2^53');
    }
    if (this.#at === start) this.fail('a non-negative integer was expected');
    if (this.#bytes[start] === 0x30 && this.#at > start + 1) this.fail('a number that starts with 0');
    return value;
  }

  #expect(character: string): void {
    if (!this.#skip(character)) {
      const byte = this.#bytes[this.#at];
      this.fail(`'${character}' was expected, ${byte === undefined ? 'the header ends' : 'something else found'}`);
    }
  }

  #skip(character: string): boolean {
    this.#space();
    if (this.#bytes[this.#at] !== character.charCodeAt(0)) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#at++;
    }
  }
}
