import { Command } from 'commander';
import type { Context } from './context.js';

export function lsp({ run }: Context): Command {
  return new Command('lsp')
    .summary('serve editors: findings, hover, completion and more')
    .description(
      'The language server. Editors start it by themselves and speak to it over standard input and output; see docs/editors.md for their settings.',
    )
    .option('--stdio', 'over standard input and output (there is no other way yet)')
    .action(() => run(async () => (await import('../actions/lsp.js')).serveEditor()));
}
