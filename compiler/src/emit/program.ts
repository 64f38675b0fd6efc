/** `program.js`: the plan as data, one line an entry of each list so that it can be read and compared. */
import type { Program } from '@hyb/runtime';
import type { TrainingOptions } from './emit.js';

export function programModule(program: Program): string {
  const fields = Object.entries(program).map(([key, value]) => `  ${key}: ${literal(value, 2)},\n`);
  return `// What each program of the model runs, step by step; see Program in @hyb/runtime.\nexport const program = {\n${fields.join('')}};\n`;
}

export function programDeclaration(): string {
  return "import type { Program } from '@hyb/runtime';\n\nexport declare const program: Program;\n";
}

/** @param kernels those that `program.js` does not have */
export function trainingModule(program: Program, kernels: Program['kernels']): string {
  return (
    "import { program } from './program.js';\n\n" +
    '// What trains the model, beside what program.js runs; see TrainingProgram in @hyb/runtime.\n' +
    `const training = ${literal(program.training, 0)};\n\n` +
    `const kernels = ${literal(kernels, 0)};\n\n` +
    'export const trainingProgram = { ...program, kernels: { ...program.kernels, ...kernels }, training };\n'
  );
}

export function trainingDeclaration(): string {
  return "import type { Program } from '@hyb/runtime';\n\nexport declare const trainingProgram: Program;\n";
}

export function recipeModule({ recipe, files }: TrainingOptions): string {
  return (
    '// How the model is trained; see CompiledRecipe in @hyb/runtime.\n' +
    `export const recipe = ${literal(recipe, 0)};\n\n` +
    '// What makes a checkpoint a model folder, beside its tensors.\n' +
    `export const checkpointFiles = ${literal(files, 0)};\n`
  );
}

export function recipeDeclaration(): string {
  return (
    "import type { CompiledRecipe } from '@hyb/runtime';\n\n" +
    'export declare const recipe: CompiledRecipe;\n' +
    'export declare const checkpointFiles: Readonly<Record<string, string>>;\n'
  );
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
