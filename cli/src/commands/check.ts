import { Command } from 'commander';
import type { CheckOptions } from '../actions/check.js';
import type { Context } from './context.js';
import { examples } from './context.js';

export function check({ io, run }: Context): Command {
  return new Command('check')
    .summary('find what is wrong with models, all at once')
    .description(
      'Checks .hyb files: syntax, names, layers, shapes, precision, weight maps and recipes. Blocks are checked for all their arguments, whether a model uses them or not.',
    )
    .argument('<files...>', '.hyb files')
    .option('--root <folder>', 'folder that `use` may not leave (default: the nearest with a package.json)')
    .option('--json', 'print findings with places, expected and found values and fixes as JSON')
    .addHelpText(
      'after',
      examples(
        ['hyb check model.hyb', 'one file and all that it uses'],
        ['hyb check models/*.hyb', 'several'],
        ['hyb explain HYB2020', 'what a finding means'],
      ),
    )
    .action((files: readonly string[], options: CheckOptions) =>
      run(async () => (await import('../actions/check.js')).checkFiles(io, files, options)),
    );
}
