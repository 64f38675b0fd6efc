import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { checkpointLayout, compiledRecipe, ownSources, planModel } from '@hyb/compiler';
import type { Checked, Plan } from '@hyb/compiler';
import type { TrainingOptions } from '@hyb/compiler/emit/emit';
import { printStage } from '@hyb/compiler/inspect/print-stage';
import type { PrintableStage } from '@hyb/compiler/inspect/print-stage';
import { formatBytes, formatCount } from '@hyb/compiler/inspect/units';
import { writeFolder } from '../files/write.js';
import { checkSource, firstModel, mentionOthers, openSource } from '../project/source.js';
import type { OpenedSource } from '../project/source.js';
import { attempt, CliError, EXIT } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';
import { withProgress } from '../terminal/progress.js';
import { applyChanges } from '../train/change.js';
import { checkRecipe } from '../train/check-recipe.js';
import type { CheckedRecipe } from '../train/check-recipe.js';
import { version } from '../version.js';

export interface BuildOptions {
  readonly output: string;
  readonly model?: string;
  readonly package?: string;
  readonly print?: PrintableStage;
  readonly fuse: boolean;
  readonly train?: boolean;
  readonly recipe?: string;
  readonly force?: boolean;
  readonly root?: string;
  readonly json?: boolean;
}

/** What earlier builds have written to a folder. */
const OWN =
  /^(package\.json|README\.md|(index|program|kernels|recipe|training|training-kernels)(\.d)?\.[jt]s|kernels|source)$/;
/** npm's rules, as far as names that need no quoting go. */
const PACKAGE = /^(@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/;

export async function build(io: Io, source: string, options: BuildOptions): Promise<number> {
  const { output, print, json } = options;
  const folder = resolve(io.cwd, output);
  if (print === undefined) checkTarget(folder, options);
  const opened = await openSource(io, source, options);
  const all = await checkSource(io, opened, options);
  const trained = trains(options) ? trainedModel(io, opened, all, options) : undefined;
  const checked = trained?.checked ?? firstModel(all, opened);
  if (!json && options.model === undefined && trained === undefined) mentionOthers(io, all);
  const planOptions = {
    fused: options.fuse,
    training: trained !== undefined,
    probes: trained?.recipe.probes !== undefined,
  };
  if (print !== undefined) {
    io.out(printStage(print, all, checked, () => planModel(checked, planOptions)));
    return EXIT.ok;
  }
  const started = performance.now();
  const { plan, files } = await withProgress(io, async (progress) => {
    progress.show('Making kernels');
    const make = (): Plan => planModel(checked, planOptions);
    // Not every op trains on devices.
    const planned = trained === undefined ? make() : attempt(make);
    progress.show('Writing the package');
    const { emit } = await import('@hyb/compiler/emit/emit');
    const emitted = await emit(planned, {
      runtimeVersion: version,
      sources: ownSources(all),
      ...(options.package === undefined ? {} : { packageName: options.package }),
      ...(trained === undefined ? {} : { training: trained.training }),
    });
    await writeFolder(folder, emitted, (entry) => OWN.test(entry));
    return { plan: planned, files: emitted };
  });
  const bytes = [...files.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const kernels = Object.keys(plan.program.kernels).length;
  if (json) {
    const made = {
      ok: true,
      model: checked.model.name,
      ...(trained === undefined ? {} : { recipe: trained.recipe.name }),
      folder,
      kernels,
      bytes,
      files: [...files.keys()],
    };
    io.out(`${JSON.stringify(made, null, 2)}\n`);
    return EXIT.ok;
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const facts = `${formatCount(kernels)} kernels for ${formatCount(checked.model.layers.length)} layers, ${formatBytes(bytes)}`;
  io.out(
    `${io.paint.green('✓')} ${io.paint.bold(checked.model.name)} → ${output}: ${facts} ${io.paint.dim(`${seconds} s`)}\n`,
  );
  return EXIT.ok;
}

const trains = ({ train, recipe }: BuildOptions): boolean => train === true || recipe !== undefined;

/** The model of a recipe, and what the package holds of it. */
function trainedModel(
  io: Io,
  opened: OpenedSource,
  all: Checked,
  options: BuildOptions,
): CheckedRecipe & { readonly training: TrainingOptions } {
  const { recipe: name } = applyChanges(opened, options.recipe, []);
  const found = checkRecipe(io, opened, all, name, options.json);
  const { checked, recipe } = found;
  if (options.model !== undefined && options.model !== checked.model.name) {
    throw new CliError(
      `The recipe ${name} trains ${checked.model.name}, and the package was to be of ${options.model}.`,
      'Leave out --model, or name a recipe of that model with --recipe.',
    );
  }
  return {
    ...found,
    training: { recipe: compiledRecipe(recipe), files: attempt(() => checkpointLayout(all, checked)).files },
  };
}

/** Refuses what would replace files of somebody else, before anything is compiled. */
function checkTarget(folder: string, options: BuildOptions): void {
  if (options.package !== undefined && !PACKAGE.test(options.package)) {
    throw new CliError(`'${options.package}' is not a name that npm takes.`, 'Small letters, digits and hyphens are.');
  }
  if (options.force || !existsSync(folder)) return;
  let entries: readonly string[];
  try {
    entries = readdirSync(folder);
  } catch {
    throw new CliError(`${options.output} is a file, and a folder is to be written.`);
  }
  const built = ['package.json', 'program.js', 'kernels.js'].every((file) => entries.includes(file));
  if (!built && entries.some((entry) => OWN.test(entry))) {
    throw new CliError(
      `${options.output} holds files that hyb has not made and would replace.`,
      'Name another folder with -o, or use --force.',
    );
  }
}
