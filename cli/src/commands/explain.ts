import { Command } from 'commander';
import type { ExplainOptions } from '../actions/explain.js';
import type { Context } from './context.js';
import { examples } from './context.js';

export function explain({ io, run }: Context): Command {
  return new Command('explain')
    .summary('explain a finding by its code, with an example and its repair')
    .description(
      'Explains what a code such as HYB2020 means: the rule, a small file that breaks it, and the file repaired. Without a code it lists all of them.',
    )
    .argument('[code]', 'a code as findings show it; the letters may be left out')
    .option('--json', 'print the entry as JSON')
    .addHelpText('after', examples(['hyb explain HYB2020', 'one finding'], ['hyb explain', 'all codes']))
    .action((code: string | undefined, options: ExplainOptions) =>
      run(async () => (await import('../actions/explain.js')).explain(io, code, options)),
    );
}
