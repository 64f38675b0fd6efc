/** Reads fields of a `config.json` one by one, with checks and findings at their places. */
import type { Diagnostic, Span } from '@hyb/grammar';
import { ACTIVATIONS, DTYPES } from './config.js';
import type { Activation, HuggingFaceConfig } from './config.js';
import type { JsonNode, JsonObject } from './json.js';
import { report } from './messages.js';

/** No size of any model is larger; products of two are still exact. */
export const LARGEST_SIZE = 2 ** 24;

/** A field that has several names, the preferred one first. */
export type FieldName = string | readonly [string, ...string[]];

export interface Range {
  readonly min?: number;
  readonly max?: number;
}

export class ConfigReader {
  constructor(
    readonly root: JsonObject,
    /** Findings are added here; readers of nested objects share it. */
    readonly diagnostics: Diagnostic[] = [],
  ) {}

  get failed(): boolean {
    return this.diagnostics.some((d) => d.severity === 'error');
  }

  /** The field under the first of its names that is there and not null. */
  field(name: FieldName): { readonly name: string; readonly node: JsonNode } | undefined {
    for (const key of namesOf(name)) {
      const node = this.root.entries.get(key);
      if (node !== undefined && node.kind !== 'null') return { name: key, node };
    }
    return undefined;
  }

  /** Where to point at for a field: its value, or the start of the file. */
  place(name: FieldName): Span {
    return this.field(name)?.node.span ?? { ...this.root.span, end: this.root.span.start + 1 };
  }

  /** A size. NaN, with a finding, where it is wrong, or missing without a fallback. */
  size(name: FieldName, { fallback, ...range }: Range & { readonly fallback?: number } = {}): number {
    if (this.field(name) !== undefined) return this.optionalSize(name, range) ?? NaN;
    if (fallback === undefined) this.missing(name);
    return fallback ?? NaN;
  }

  /** Undefined: absent, or wrong and reported. */
  optionalSize(name: FieldName, { min = 1, max = LARGEST_SIZE }: Range = {}): number | undefined {
    const found = this.#number(name, 'a whole number', Number.isInteger);
    if (found === undefined) return undefined;
    this.#agree(name);
    return this.#within(name, found, min, max, `${min} to ${max.toLocaleString('en-US')}`);
  }

  number(name: FieldName, fallback: number, { min = 0, max = Infinity }: Range = {}): number {
    const found = this.#number(name, 'a number', (value) => !Number.isNaN(value));
    if (found === undefined) return fallback;
    const range = max === Infinity ? `at least ${min}` : `${min} to ${max}`;
    return this.#within(name, found, min, max, range) ?? fallback;
  }

  boolean(name: FieldName, fallback: boolean): boolean {
    const found = this.field(name);
    if (found === undefined) return fallback;
    if (found.node.kind === 'boolean') return found.node.value;
    this.wrongKind(found.name, found.node, 'true or false');
    return fallback;
  }

  string(name: FieldName): string | undefined {
    const found = this.field(name);
    if (found === undefined) return undefined;
    if (found.node.kind === 'string') return found.node.value;
    this.wrongKind(found.name, found.node, 'a string');
    return undefined;
  }

  object(name: FieldName): ConfigReader | undefined {
    const found = this.field(name);
    if (found === undefined) return undefined;
    if (found.node.kind !== 'object') {
      this.wrongKind(found.name, found.node, 'an object');
      return undefined;
    }
    return new ConfigReader(found.node, this.diagnostics);
  }

  activation(name: FieldName, fallback: Activation): Activation {
    const found = this.string(name);
    return found === undefined ? fallback : (this.#named(name, found, ACTIVATIONS) ?? fallback);
  }

  dtype(): HuggingFaceConfig['dtype'] {
    const name = ['torch_dtype', 'dtype'] as const;
    const found = this.string(name);
    return found === undefined || found === 'auto' ? 'f32' : (this.#named(name, found, DTYPES) ?? 'f32');
  }

  missing(name: FieldName): void {
    this.diagnostics.push(report('HYB7003', this.place(name), { field: namesOf(name)[0]! }));
  }

  contradiction(reason: string, field: FieldName, ...others: readonly FieldName[]): void {
    const related = others.flatMap((name) => {
      const other = this.field(name);
      return other === undefined ? [] : [{ span: other.node.span, message: `'${other.name}'` }];
    });
    this.diagnostics.push(report('HYB7006', this.place(field), { reason }, { related }));
  }

  unsupported(feature: string, field: FieldName): void {
    this.diagnostics.push(report('HYB7008', this.place(field), { feature }));
  }

  ignored(feature: string, reason: string, field: FieldName): void {
    this.diagnostics.push(report('HYB7009', this.place(field), { feature, reason }));
  }

  wrongKind(field: string, node: JsonNode, expected: string): void {
    const found = describe(node);
    this.diagnostics.push(report('HYB7004', node.span, { field, expected, found }, { expected, found }));
  }

  /** For values of the right kind: `expected` and `found` are said in words. */
  wrongValue(name: FieldName, expected: string, found: string): void {
    const field = this.field(name)!;
    this.diagnostics.push(
      report('HYB7004', field.node.span, { field: field.name, expected, found }, { expected, found }),
    );
  }

  outOfRange(name: FieldName, range: string, found: string): void {
    const field = this.field(name)!;
    this.diagnostics.push(report('HYB7005', field.node.span, { field: field.name, range, found }));
  }

  #number(name: FieldName, expected: string, fits: (value: number) => boolean): number | undefined {
    const found = this.field(name);
    if (found === undefined) return undefined;
    if (found.node.kind === 'number' && fits(found.node.value)) return found.node.value;
    this.wrongKind(found.name, found.node, expected);
    return undefined;
  }

  #within(name: FieldName, value: number, min: number, max: number, range: string): number | undefined {
    if (value >= min && value <= max) return value;
    this.outOfRange(name, range, String(value));
    return undefined;
  }

  /** Several names of one size must say the same. */
  #agree(name: FieldName): void {
    const given = namesOf(name).flatMap((key) => {
      const node = this.root.entries.get(key);
      return node?.kind === 'number' ? [{ key, value: node.value }] : [];
    });
    const other = given.find((one) => one.value !== given[0]!.value);
    if (other === undefined) return;
    const [first] = given;
    this.contradiction(
      `'${first!.key}' is ${first!.value}, and '${other.key}', another name of the same size, is ${other.value}`,
      first!.key,
      other.key,
    );
  }

  #named<K extends string>(
    name: FieldName,
    found: string,
    table: Readonly<Record<K, readonly string[]>>,
  ): K | undefined {
    const keys = Object.keys(table) as K[];
    const known = keys.find((key) => table[key].includes(found));
    if (known !== undefined) return known;
    const field = this.field(name)!;
    const expected = keys.map((key) => table[key][0]!).join(', ');
    this.diagnostics.push(report('HYB7010', field.node.span, { field: field.name, found }, { expected, found }));
    return undefined;
  }
}

export function namesOf(name: FieldName): readonly string[] {
  return typeof name === 'string' ? [name] : name;
}

export function describe(node: JsonNode): string {
  switch (node.kind) {
    case 'object':
      return 'an object';
    case 'array':
      return 'a list';
    case 'string':
      return `the string ${JSON.stringify(node.value.length > 40 ? `${node.value.slice(0, 40)}…` : node.value)}`;
    case 'number':
      return String(node.value);
    case 'boolean':
      return String(node.value);
    case 'null':
      return 'null';
  }
}
