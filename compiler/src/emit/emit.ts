/** The last arrow: a plan becomes the files of an npm package. Pure; the caller writes them. */
import type { Plan } from '../plan/plan.js';
import { printWgsl } from '../wgsl/index.js';
import { emitEntry } from './entry.js';
import { kernelsDeclaration, kernelsModule } from './kernels.js';
import { packageJson } from './package-json.js';
import { programDeclaration, programModule } from './program.js';
import { readme } from './readme.js';

export interface EmitOptions {
  /** npm name of the package; by default made from the model's name. */
  readonly packageName?: string;
  readonly version?: string;
  readonly runtimeVersion: string;
  /** The `.hyb` sources the model was made of, carried along for reference: file name to text. */
  readonly sources?: Readonly<Record<string, string>>;
}

/** Path inside the package to text. Deterministic byte for byte. */
export type PackageFiles = ReadonlyMap<string, string>;

export async function emit(plan: Plan, options: EmitOptions): Promise<PackageFiles> {
  const wgsl = new Map([...plan.kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  const name = options.packageName ?? packageNameOf(plan.program.model.name);
  const entry = await emitEntry(plan.program);
  const files = new Map<string, string>([
    ['package.json', packageJson(name, options)],
    ['README.md', readme(name, plan)],
    ['index.ts', entry.source],
    ['index.js', entry.javascript],
    ['index.d.ts', entry.declaration],
    ['program.js', programModule(plan.program)],
    ['program.d.ts', programDeclaration()],
    ['kernels.js', kernelsModule(wgsl)],
    ['kernels.d.ts', kernelsDeclaration()],
  ]);
  for (const [kernel, text] of wgsl) files.set(`kernels/${kernel}.wgsl`, text);
  for (const [file, text] of Object.entries(options.sources ?? {})) files.set(`source/${file}`, text);
  return files;
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
