import { Command, Option } from 'commander';
import type { PrintableStage } from '@hyb/compiler/inspect/print-stage';
import type { BuildOptions } from '../actions/build.js';
import type { Context } from './context.js';
import { examples } from './context.js';

/** Said here too, so that help does not load the compiler. */
const STAGES: readonly PrintableStage[] = ['ast', 'model', 'graph', 'plan', 'program', 'wgsl'];

export function build({ io, run }: Context): Command {
  return new Command('build')
    .summary('compile a model to an npm package of WebGPU kernels')
    .description(
      'Compiles a model to an npm package: kernels as readable WGSL, a typed API, and a README with the table of its layers. The folder is written whole or not at all; files of your own in it stay.',
    )
    .argument('<source>', 'a .hyb file, or a Hugging Face folder')
    .option('-o, --output <folder>', 'folder to write', 'dist')
    .option('-m, --model <Name>', 'which model of the file (default: the first)')
    .option('--package <name>', "npm name of the package (default: made from the model's name)")
    .option('-t, --train', 'a package that also trains, with its `train` as a recipe of the file says')
    .option('-r, --recipe <Name>', 'which recipe (default: the first); implies --train')
    .addOption(new Option('-p, --print <stage>', 'print what a stage makes, and write nothing').choices(STAGES))
    .option('--no-fuse', 'one kernel for each op: what fusion is compared with')
    .option('-f, --force', 'write to a folder that holds something else')
    .option('--root <folder>', 'folder that `use` may not leave')
    .option('--json', 'print what was made as JSON')
    .addHelpText(
      'after',
      '\nStages: ast (syntax), model (names and sizes resolved), graph (ops of each layer), plan (kernels of each layer),\nprogram (all that the runtime reads), wgsl (kernels).\n',
    )
    .addHelpText(
      'after',
      examples(
        ['hyb build model.hyb', 'the package, in dist/'],
        ['hyb build model.hyb --train', 'one that trains too, in Node and in pages'],
        ['hyb build model.hyb --print graph', 'the ops of each kind of layer'],
        ['hyb build model.hyb --print wgsl | less', 'the kernels'],
      ),
    )
    .action((source: string, options: BuildOptions) =>
      run(async () => (await import('../actions/build.js')).build(io, source, options)),
    );
}
