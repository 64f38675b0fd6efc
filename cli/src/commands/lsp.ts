import { Command } from 'commander';
import type { Context } from './context.js';
import { examples } from './context.js';

export function lsp({ run }: Context): Command {
  return new Command('lsp')
    .summary('serve editors: findings, hover, completion and more')
    .description(
      'The language server. Editors start it by themselves and speak to it over standard input and output; docs/language-server.md has what it can do.',
    )
    .option('--stdio', 'over standard input and output (there is no other way yet)')
    .addHelpText('after', examples(['hyb lsp --stdio', 'what an editor runs']))
    .action(() => run(async () => (await import('../actions/lsp.js')).serveEditor()));
}
