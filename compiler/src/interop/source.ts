/** Pieces of `.hyb` source as a person writes them. */

export const LINE_WIDTH = 120;

/** `4096`, `131_072`, `1e-5`, `0.001`, `inf`: digits in groups from five on, powers of ten where zeros would pile up. */
export function number(value: number): string {
  if (value === Infinity) return 'inf';
  if (value < 0) return `-${number(-value)}`;
  if (Number.isInteger(value)) return value < 1e15 ? separated(value) : value.toExponential().replace('e+', 'e');
  return value < 1e-3 ? value.toExponential() : String(value);
}

function separated(value: number): string {
  const digits = String(value);
  return digits.length < 5 ? digits : digits.replace(/\B(?=(\d{3})+$)/g, '_');
}

/** `Mamba2(heads = 128, state = 128)`, over several lines where it would be too long; undefined values are left out. */
export function call(
  name: string,
  given: Readonly<Record<string, string | undefined>>,
  { before = 0, indent = '' }: { readonly before?: number; readonly indent?: string } = {},
): string {
  const parts = Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [`${key} = ${value}`]));
  const line = `${name}(${parts.join(', ')})`;
  if (before + line.length <= LINE_WIDTH) return line;
  const lines = fill(parts, LINE_WIDTH - indent.length - 3);
  return `${name}(\n${lines.map((each) => `${indent}  ${each},\n`).join('')}${indent})`;
}

/** Packs parts into lines, with commas between them. */
export function fill(parts: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 2 + part.length <= width) lines[lines.length - 1] = `${last}, ${part}`;
    else lines.push(part);
  }
  return lines;
}

/** Lines `name = value` with their equals signs in one column. */
export function aligned(
  entries: readonly (readonly [name: string, value: string])[],
  indent: string,
): readonly string[] {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${indent}${name.padEnd(width)} = ${value}`);
}

/**
 * A name for a declaration from any text: words begin with capitals, only letters and digits remain, and numbers stay
 * apart. `nemotron-h-8b` becomes `NemotronH8b`, `Llama-3.1` becomes `Llama3_1`.
 */
export function declarationName(text: string): string {
  const words = text.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const name = words.reduce((all, word) => {
    const apart = /\d$/.test(all) && /^\d/.test(word) ? '_' : '';
    return all + apart + word[0]!.toUpperCase() + word.slice(1);
  }, '');
  return /^[A-Z]/.test(name) ? name.slice(0, 80) : `Model${name.slice(0, 80)}`;
}

/** Text for a comment: one line, without control characters. */
export function commentText(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .trim()
    .slice(0, 200);
}

/** A string literal. */
export function quoted(text: string): string {
  const escaped = text.replace(/["\\]/g, '\\$&');

  return `"${escaped.replace(/[\u0000-\u001f\u007f]/g, (c) => `\\u{${c.charCodeAt(0).toString(16)}}`)}"`;
}
