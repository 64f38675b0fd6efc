import { Command } from 'commander';
import type { FmtOptions } from '../actions/fmt.js';
import type { Context } from './context.js';
import { examples } from './context.js';

export function fmt({ io, run }: Context): Command {
  return new Command('fmt')
    .summary('write .hyb files in the one style there is')
    .description(
      'Formats .hyb files in place. Formatting keeps comments and never changes what a file means; a file with errors is left as it is.',
    )
    .argument('<files...>', '.hyb files, folders of them, or - for standard input')
    .option('--check', 'change nothing; exit with 1 if a file is not formatted')
    .option('--json', 'print what was or would be changed as JSON')
    .addHelpText(
      'after',
      examples(
        ['hyb fmt model.hyb', 'one file'],
        ['hyb fmt --check models examples', 'all files in two folders, for continuous integration'],
        ['hyb fmt - < model.hyb', 'prints the result'],
      ),
    )
    .action((files: readonly string[], options: FmtOptions) =>
      run(async () => (await import('../actions/fmt.js')).formatFiles(io, files, options)),
    );
}
