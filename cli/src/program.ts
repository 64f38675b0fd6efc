/** All commands with their arguments and help. The reference page in docs is made from this. */
import { Command } from 'commander';
import { build } from './commands/build.js';
import { check } from './commands/check.js';
import type { Context, DefineCommand } from './commands/context.js';
import { devices } from './commands/devices.js';
import { exportCommand } from './commands/export.js';
import { evalCommand } from './commands/eval.js';
import { explain } from './commands/explain.js';
import { fmt } from './commands/fmt.js';
import { generate } from './commands/generate.js';
import { importCommand } from './commands/import.js';
import { inspect } from './commands/inspect.js';
import { lsp } from './commands/lsp.js';
import { newCommand } from './commands/new.js';
import { sweep } from './commands/sweep.js';
import { tokenizer } from './commands/tokenizer.js';
import { train } from './commands/train.js';
import { verify } from './commands/verify.js';

/** In the order in which help lists them: as a model comes about. */
export const COMMANDS: readonly DefineCommand[] = [
  newCommand,
  check,
  fmt,
  explain,
  inspect,
  build,
  train,
  evalCommand,
  sweep,
  tokenizer,
  importCommand,
  exportCommand,
  verify,
  generate,
  devices,
  lsp,
];

export function createProgram(context: Context, version: string): Command {
  const program = new Command('hyb')
    .description('Hyb turns a hybrid language model, written in one .hyb file, into an npm package of WebGPU kernels.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .option('--debug', 'show where errors come from')
    .addHelpText('after', OVERVIEW);
  program.helpCommand('help [command]', 'show help for a command');
  for (const define of COMMANDS) program.addCommand(define(context));
  for (const command of allCommands(program)) {
    command
      .configureHelp({ helpWidth: context.io.columns })
      .showSuggestionAfterError()
      .showHelpAfterError(`(${pathOf(command)} --help shows more)`);
    if (command !== program)
      command.addOption(program.createOption('--debug', 'show where errors come from').hideHelp());
  }
  return program;
}

/** A command, and those under it. */
export function allCommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

/** `hyb tokenizer train` */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

const OVERVIEW = `
A first model:
  $ hyb new tiny               a folder with a small model
  $ cd tiny
  $ hyb check model.hyb        does it hold together?
  $ hyb inspect model.hyb      its layers, parameters and memory
  $ hyb build model.hyb        the package, in dist/
  $ hyb train model.hyb        trains it, as a recipe in the file says

A model of somebody else's:
  $ hyb import ./Llama-3.1-8B  a Hugging Face folder becomes a .hyb file
  $ hyb generate ./Llama-3.1-8B --prompt "The sea"

Exit codes: 0 all well; 1 errors in the model, or values that differ; 2 the command could not run.
`;
