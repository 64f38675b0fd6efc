/** JSON as transformers writes it: infinities bare, and numbers that Python must read as float with a point. */
export type JsonOutput =
  string | number | boolean | null | Float | readonly JsonOutput[] | { readonly [key: string]: JsonOutput };

/** A number that is a float in Python even if it is whole. */
export class Float {
  constructor(readonly value: number) {}
}

export function float(value: number): Float {
  return new Float(value);
}

/** Two spaces to a level, keys in their order, a new line at the end. */
export function printJson(value: JsonOutput): string {
  return `${print(value, '')}\n`;
}

function print(value: JsonOutput, indent: string): string {
  if (value instanceof Float) return Number.isInteger(value.value) ? value.value.toFixed(1) : printNumber(value.value);
  if (typeof value === 'number') return printNumber(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const inner = `${indent}  `;
  const [open, close, lines] = Array.isArray(value)
    ? ['[', ']', value.map((element: JsonOutput) => print(element, inner))]
    : ['{', '}', Object.entries(value).map(([key, entry]) => `${JSON.stringify(key)}: ${print(entry, inner)}`)];
  return lines.length === 0 ? open + close : `${open}\n${inner}${lines.join(`,\n${inner}`)}\n${indent}${close}`;
}

/** Infinity and NaN too, which `JSON.stringify` makes `null`. */
function printNumber(value: number): string {
  return String(value);
}
