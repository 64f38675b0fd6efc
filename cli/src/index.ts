import { CommanderError } from 'commander';
import { allCommands, createProgram } from './program.js';
import { CliError, EXIT, Exit } from './terminal/errors.js';
import type { Io } from './terminal/io.js';
import { processIo } from './terminal/io.js';
import { shown } from './terminal/message.js';
import { version } from './version.js';

/** Runs the `hyb` command with its arguments and resolves to the exit code. */
export async function main(args: readonly string[], io: Io = processIo()): Promise<number> {
  let code: number = EXIT.ok;
  const run = async (work: () => Promise<number>): Promise<void> => {
    code = await work();
  };
  const program = createProgram({ io, run }, version);
  const output = { writeOut: (text: string) => io.out(text), writeErr: (text: string) => io.err(text) };
  for (const command of allCommands(program)) command.exitOverride().configureOutput(output);
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    // Wherever it stands: errors are looked at before anything is known of options.
    return report(error, io, args.includes('--debug'));
  }
}

function report(error: unknown, io: Io, debug: boolean): number {
  if (error instanceof Exit) return error.code;
  // Help and version were asked for and have been printed; everything else has been said as well.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.failed;
  const { paintErr } = io;
  const known = error instanceof CliError || isRuntimeError(error) || isSystemError(error);
  const message = shown(
    isSystemError(error) ? systemMessage(error) : error instanceof Error ? error.message : String(error),
  );
  io.err(
    `${paintErr.bold(paintErr.red('error'))} ${known ? message : `Something in hyb itself went wrong: ${message}`}\n`,
  );
  if (error instanceof CliError && error.hint) io.err(`${paintErr.cyan('help')}  ${shown(error.hint)}\n`);
  if (debug) io.err(`${error instanceof Error ? (error.stack ?? '') : ''}\n`);
  else if (!known) io.err(`${paintErr.cyan('help')}  --debug shows where. It is worth a report.\n`);
  return EXIT.failed;
}

/** Errors of the runtime are meant for people; it is not loaded here to ask for its class. */
function isRuntimeError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && 'items' in error;
}

/** A file that cannot be read or written. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

const SYSTEM: Readonly<Record<string, string>> = {
  EACCES: 'there is no permission',
  EPERM: 'there is no permission',
  EROFS: 'it is on a disk that cannot be written to',
  ENOSPC: 'the disk is full',
  ENOENT: 'there is no such place',
  ENOTDIR: 'a part of its path is no folder',
  EISDIR: 'it is a folder',
};

function systemMessage({ code = '', path, message }: NodeJS.ErrnoException): string {
  const reason = SYSTEM[code];
  return reason === undefined || path === undefined ? message : `${path}: ${reason} (${code}).`;
}
