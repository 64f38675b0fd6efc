/** `program.js`: the plan as data, one line an entry of each list so that it can be read and compared. */
import type { Program } from '@hyb/runtime';

export function programModule(program: Program): string {
  const fields = Object.entries(program).map(([key, value]) => `  ${key}: ${literal(value, 2)},\n`);
  return `// What each program of the model runs, step by step; see Program in @hyb/runtime.\nexport const program = {\n${fields.join('')}};\n`;
}

export function programDeclaration(): string {
  return "import type { Program } from '@hyb/runtime';\n\nexport declare const program: Program;\n";
}

const LINE = 160;

/** JSON, broken into lines where it is long. */
function literal(value: unknown, indent: number): string {
  const short = toJson(value);
  if (short.length + indent <= LINE || value === null || typeof value !== 'object') return short;
  const inner = ' '.repeat(indent + 2);
  const close = ' '.repeat(indent);
  if (Array.isArray(value)) return `[\n${value.map((v) => `${inner}${literal(v, indent + 2)},\n`).join('')}${close}]`;
  const entries = Object.entries(value).filter(([, v]) => v !== undefined);
  return `{\n${entries.map(([k, v]) => `${inner}${JSON.stringify(k)}: ${literal(v, indent + 2)},\n`).join('')}${close}}`;
}

/** JSON is JavaScript but for two separators that older engines read as line ends. */
function toJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\u2028\u2029]/g, (c) => (c === '\u2028' ? '\\u2028' : '\\u2029'));
}
