/**
 * JSON as Python writes it, with the place of every value: `config.json` files of Hugging Face hold bare `Infinity` and
 * `NaN`, or `{"__float__": "Infinity"}` in newer ones. A key given twice keeps its last value, as in Python.
 */
import type { Span } from '@hyb/grammar';

interface Node<K extends string> {
  readonly kind: K;
  readonly span: Span;
}
export type JsonNode = JsonObject | JsonArray | JsonString | JsonNumber | JsonBoolean | JsonNull;
export interface JsonObject extends Node<'object'> {
  readonly entries: ReadonlyMap<string, JsonNode>;
}
export interface JsonArray extends Node<'array'> {
  readonly elements: readonly JsonNode[];
}
export interface JsonString extends Node<'string'> {
  readonly value: string;
}
/** NaN and infinities included. */
export interface JsonNumber extends Node<'number'> {
  readonly value: number;
}
export interface JsonBoolean extends Node<'boolean'> {
  readonly value: boolean;
}
export type JsonNull = Node<'null'>;

export type JsonResult =
  | { readonly root: JsonNode }
  /** `reason` is half a sentence: "a comma is missing". */
  | { readonly reason: string; readonly span: Span };

const MAX_DEPTH = 128;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORDS: ReadonlyMap<string, number | boolean | null> = new Map<string, number | boolean | null>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
]);
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** Reads a whole text. Never throws: a damaged text gives the first thing that is wrong and where. */
export function parseJson(text: string, file: string): JsonResult {
  try {
    return { root: new Parser(text, file).file() };
  } catch (error) {
    if (error instanceof Damage) return { reason: error.message, span: error.span };
    throw error;
  }
}

class Damage extends Error {
  constructor(
    reason: string,
    readonly span: Span,
  ) {
    super(reason);
  }
}

class Parser {
  #at = 0;
  #depth = 0;

  constructor(
    readonly text: string,
    readonly path: string,
  ) {}

  file(): JsonNode {
    if (this.text.startsWith('\uFEFF')) this.#at = 1;
    const root = this.#value();
    this.#space();
    if (this.#at < this.text.length) this.#fail('something follows its end');
    return root;
  }

  #value(): JsonNode {
    this.#space();
    if (++this.#depth > MAX_DEPTH) this.#fail(`it is nested more than ${MAX_DEPTH} deep`);
    const value = this.#anyValue();
    this.#depth--;
    return value;
  }

  #anyValue(): JsonNode {
    const start = this.#at;
    switch (this.text[start]) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case '"':
        return { kind: 'string', value: this.#string(), span: this.#span(start) };
      case undefined:
        return this.#fail('it ends where a value should stand');
    }
    for (const [word, value] of WORDS) {
      if (!this.text.startsWith(word, start)) continue;
      this.#at += word.length;
      const span = this.#span(start);
      if (value === null) return { kind: 'null', span };
      return typeof value === 'number' ? { kind: 'number', value, span } : { kind: 'boolean', value, span };
    }
    NUMBER.lastIndex = start;
    const number = NUMBER.exec(this.text)?.[0];
    if (number === undefined) return this.#fail('a value is missing');
    this.#at += number.length;
    return { kind: 'number', value: Number(number), span: this.#span(start) };
  }

  #object(): JsonNode {
    const start = this.#at++;
    const entries = new Map<string, JsonNode>();
    if (!this.#ends('}')) {
      do {
        this.#space();
        const next = this.text[this.#at];
        if (next !== '"') this.#fail(next === '}' ? 'a comma stands before }' : 'a key is missing');
        const key = this.#string();
        this.#space();
        if (this.text[this.#at] !== ':') this.#fail('a colon is missing');
        this.#at++;
        entries.set(key, this.#value());
      } while (this.#continues('}'));
    }
    const span = this.#span(start);
    const float = entries.size === 1 ? entries.get('__float__') : undefined;
    const value = float?.kind === 'string' ? WORDS.get(float.value) : undefined;
    return typeof value === 'number' ? { kind: 'number', value, span } : { kind: 'object', entries, span };
  }

  #array(): JsonNode {
    const start = this.#at++;
    const elements: JsonNode[] = [];
    if (!this.#ends(']')) {
      do elements.push(this.#value());
      while (this.#continues(']'));
    }
    return { kind: 'array', elements, span: this.#span(start) };
  }

  #ends(close: string): boolean {
    this.#space();
    if (this.text[this.#at] !== close) return false;
    this.#at++;
    return true;
  }

  /** After a value: a comma goes on, `close` ends. */
  #continues(close: string): boolean {
    if (this.#ends(close)) return false;
    const missing = this.#at < this.text.length ? 'a comma' : `a ${close}`;
    if (this.text[this.#at] !== ',') this.#fail(`${missing} is missing`);
    this.#at++;
    return true;
  }

  #string(): string {
    const start = this.#at++;
    let result = '';
    for (;;) {
      const c = this.text[this.#at];
      if (c === undefined || c === '\n') return this.#fail('a string does not end', start);
      this.#at++;
      if (c === '"') return result;
      result += c === '\\' ? this.#escape() : c;
    }
  }

  #escape(): string {
    const c = this.text[this.#at++] ?? '';
    if (c === 'u') {
      const hex = this.text.slice(this.#at, this.#at + 4);
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) this.#fail('an escape in a string is wrong', this.#at - 2);
      this.#at += 4;
      return String.fromCharCode(parseInt(hex, 16));
    }
    return Object.hasOwn(ESCAPES, c) ? ESCAPES[c]! : this.#fail('an escape in a string is wrong', this.#at - 2);
  }

  #space(): void {
    while (' \t\r\n'.includes(this.text[this.#at] ?? 'x')) this.#at++;
  }

  #span(start: number): Span {
    return { file: this.path, start, end: this.#at };
  }

  #fail(reason: string, start = this.#at): never {
    const end = Math.min(start + 1, this.text.length);
    throw new Damage(reason, { file: this.path, start: Math.min(start, end), end });
  }
}
