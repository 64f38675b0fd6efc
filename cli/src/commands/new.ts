import { Command, Option } from 'commander';
import type { NewOptions } from '../actions/new.js';
import { TEMPLATES } from '../new/templates.js';
import type { Context } from './context.js';
import { examples } from './context.js';

export function newCommand({ io, run }: Context): Command {
  const kinds = Object.entries(TEMPLATES).map(([name, { summary }]) => `  ${name.padEnd(12)} ${summary}`);
  return new Command('new')
    .summary('make a folder with a small model to start from')
    .description('Makes a folder with a small model, a README and scripts. The folder must not be there yet.')
    .argument('<folder>', 'folder to make')
    .addOption(
      new Option('-t, --template <kind>', 'what to start from').choices(Object.keys(TEMPLATES)).default('hybrid'),
    )
    .option('--name <Name>', 'name of the model (default: made from the folder)')
    .option('--json', 'print what was made as JSON')
    .addHelpText('after', `\nTemplates:\n${kinds.join('\n')}\n`)
    .addHelpText(
      'after',
      examples(['hyb new tiny', 'a small hybrid'], ['hyb new leaky -t block', 'with a block of your own']),
    )
    .action((folder: string, options: NewOptions) =>
      run(async () => (await import('../actions/new.js')).newFolder(io, folder, options)),
    );
}
