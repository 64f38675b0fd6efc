import type { BlockInstance, Constant } from '../model/model.js';

/** What a number with a unit measures; bytes, tokens and so on are never mixed. */
export type Dimension = 'bytes' | 'steps' | 'tokens' | 'sequences' | 'seconds';

/** A number with a unit, in the base unit of its dimension: bytes, steps, tokens, sequences, seconds. */
export interface Quantity {
  readonly kind: 'quantity';
  readonly value: number;
  readonly dimension: Dimension;
}

/** What a compile-time expression can be. */
export type Value = Constant | Quantity | BlockInstance;

interface UnitMeaning {
  readonly dimension: Dimension;
  readonly factor: number;
}

/** Units after numbers. `GB` is a thousand million bytes, `GiB` is 2 to the 30th. */
export const UNITS: ReadonlyMap<string, UnitMeaning> = new Map<string, UnitMeaning>([
  ['KB', { dimension: 'bytes', factor: 1e3 }],
  ['MB', { dimension: 'bytes', factor: 1e6 }],
  ['GB', { dimension: 'bytes', factor: 1e9 }],
  ['TB', { dimension: 'bytes', factor: 1e12 }],
  ['KiB', { dimension: 'bytes', factor: 2 ** 10 }],
  ['MiB', { dimension: 'bytes', factor: 2 ** 20 }],
  ['GiB', { dimension: 'bytes', factor: 2 ** 30 }],
  ['TiB', { dimension: 'bytes', factor: 2 ** 40 }],
  ['steps', { dimension: 'steps', factor: 1 }],
  ['tokens', { dimension: 'tokens', factor: 1 }],
  ['sequences', { dimension: 'sequences', factor: 1 }],
  ['seconds', { dimension: 'seconds', factor: 1 }],
  ['minutes', { dimension: 'seconds', factor: 60 }],
  ['hours', { dimension: 'seconds', factor: 3600 }],
]);

export const NONE: Constant = { kind: 'none' };

export function integer(value: number): Constant {
  return { kind: 'number', value, integer: true };
}

export function float(value: number): Constant {
  return { kind: 'number', value, integer: false };
}

export function boolean(value: boolean): Constant {
  return { kind: 'boolean', value };
}

export function isConstant(value: Value): value is Constant {
  return value.kind !== 'quantity' && value.kind !== 'block';
}

/** Parameter kinds of blocks; they are also how messages call values. */
export type Kind = 'int' | 'float' | 'bool' | 'string' | 'tuple' | 'fn' | 'norm' | 'none' | 'block' | Dimension;

export function kindOf(value: Value): Kind {
  switch (value.kind) {
    case 'number':
      return value.integer ? 'int' : 'float';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'string';
    case 'tuple':
      return 'tuple';
    case 'none':
      return 'none';
    case 'function':
      return 'fn';
    case 'norm':
      return 'norm';
    case 'block':
      return 'block';
    case 'quantity':
      return value.dimension;
  }
}

/** The value as messages and printers write it: in the language's own notation, short. */
export function printValue(value: Value): string {
  switch (value.kind) {
    case 'number':
      return printNumber(value.value);
    case 'boolean':
      return String(value.value);
    case 'string':
      return JSON.stringify(value.value);
    case 'none':
      return 'none';
    case 'tuple':
      return value.elements.length === 1
        ? `(${printValue(value.elements[0]!)},)`
        : `(${value.elements.map(printValue).join(', ')})`;
    case 'function': {
      const name = 'builtin' in value.callee ? value.callee.builtin : value.callee.declaration.name.text;
      const given = Object.entries(value.arguments).filter(([, argument]) => argument.kind !== 'none');
      return given.length === 0 ? name : `${name}(${printArguments(Object.fromEntries(given))})`;
    }
    case 'norm':
    case 'block':
      return `${value.declaration.name.text}(${printArguments(value.arguments)})`;
    case 'quantity':
      return `${printNumber(value.value)} ${value.dimension}`;
  }
}

export function printArguments(values: Readonly<Record<string, Constant>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} = ${printValue(value)}`)
    .join(', ');
}

/** `131_072`, `0.5`, `1e-5`, `inf`: groups of three from five digits up, as models are written. */
export function printNumber(value: number): string {
  if (value === Infinity) return 'inf';
  if (value === -Infinity) return '-inf';
  const text = String(value);
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential();
  if (!/^-?\d{5,}$/.test(text)) return text;
  return text.replace(/\B(?=(\d{3})+$)/g, '_');
}

/** An object to look names up in that has no names of its own: `constructor` and `__proto__` are names like any other. */
export function dictionary<T>(entries: Iterable<readonly [string, T]>): Readonly<Record<string, T>> {
  const result = Object.create(null) as Record<string, T>;
  for (const [name, value] of entries) result[name] = value;
  return Object.freeze(result);
}
