/** The last arrow: a plan becomes the files of an npm package. Pure; the caller writes them. */
import type { CompiledRecipe, Program } from '@hyb/runtime';
import type { Plan } from '../plan/plan.js';
import { printWgsl } from '../wgsl/index.js';
import { emitEntry } from './entry.js';
import { kernelsDeclaration, kernelsModule, trainingKernelsModule } from './kernels.js';
import { packageJson } from './package-json.js';
import {
  programDeclaration,
  programModule,
  recipeDeclaration,
  recipeModule,
  trainingDeclaration,
  trainingModule,
} from './program.js';
import { readme } from './readme.js';

export interface EmitOptions {
  /** npm name of the package; by default made from the model's name. */
  readonly packageName?: string;
  readonly version?: string;
  readonly runtimeVersion: string;
  /** The `.hyb` sources the model was made of, carried along for reference: file name to text. */
  readonly sources?: Readonly<Record<string, string>>;
  /** Makes a package that also trains; the plan has to be one with what trains. */
  readonly training?: TrainingOptions;
}

export interface TrainingOptions {
  readonly recipe: CompiledRecipe;
  /** Texts by name that are kept beside the weights of each checkpoint, such as `config.json`. */
  readonly files: Readonly<Record<string, string>>;
}

/** Path inside the package to text. Deterministic byte for byte. */
export type PackageFiles = ReadonlyMap<string, string>;

export async function emit(plan: Plan, options: EmitOptions): Promise<PackageFiles> {
  const { training } = options;
  const wgsl = new Map([...plan.kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  const name = options.packageName ?? packageNameOf(plan.program.model.name);
  const [program, rest] = splitKernels(plan.program);
  const sources = new Set(Object.values(program.kernels).flatMap(({ variants }) => variants.map((v) => v.source)));
  const [inference, more] = [true, false].map((own) => new Map([...wgsl].filter(([id]) => sources.has(id) === own)));
  const entry = await emitEntry(program, training !== undefined);
  const files = new Map<string, string>([
    ['package.json', packageJson(name, options)],
    ['README.md', readme(name, program, training && { recipe: training.recipe, kernels: rest })],
    ['index.ts', entry.source],
    ['index.js', entry.javascript],
    ['index.d.ts', entry.declaration],
    ['program.js', programModule(program)],
    ['program.d.ts', programDeclaration()],
    ['kernels.js', kernelsModule(inference!)],
    ['kernels.d.ts', kernelsDeclaration('kernels')],
  ]);
  if (training !== undefined) {
    files.set('recipe.js', recipeModule(training));
    files.set('recipe.d.ts', recipeDeclaration());
    files.set('training.js', trainingModule(plan.program, rest));
    files.set('training.d.ts', trainingDeclaration());
    files.set('training-kernels.js', trainingKernelsModule(more!));
    files.set('training-kernels.d.ts', kernelsDeclaration('trainingKernels'));
  }
  for (const [kernel, text] of training === undefined ? inference! : wgsl) files.set(`kernels/${kernel}.wgsl`, text);
  for (const [file, text] of Object.entries(options.sources ?? {})) files.set(`source/${file}`, text);
  return files;
}

/** The program without what trains, and the kernels that only training needs: a page that only generates loads neither. */
function splitKernels({ training: _, ...program }: Program): readonly [Program, Program['kernels']] {
  const steps = program.stages.flatMap(({ prepare = [], prefill, decode }) => [...prepare, ...prefill, ...decode]);
  const used = new Set(steps.map(({ kernel }) => kernel));
  const [own, rest] = [true, false].map((inference) =>
    Object.fromEntries(Object.entries(program.kernels).filter(([name]) => used.has(name) === inference)),
  );
  return [{ ...program, kernels: own! }, rest!];
}

/** `NemotronH8B` → `nemotron-h8-b`: what npm allows. */
export function packageNameOf(model: string): string {
  const name = model
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/[^A-Za-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .toLowerCase();
  return name || 'model';
}
