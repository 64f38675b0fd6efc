import { Option } from 'commander';
import type { Command } from 'commander';
import type { Io } from '../terminal/io.js';

/** What commands are made with. */
export interface Context {
  readonly io: Io;
  /** Does a command's work; what it returns is the exit code. */
  readonly run: (work: () => Promise<number>) => Promise<void>;
}

/** One command: its arguments, options and help. Its work is imported when it is called, so that help stays quick. */
export type DefineCommand = (context: Context) => Command;

/** Examples under a command's help. The first column is what to type. */
export function examples(...rows: readonly (readonly [command: string, meaning: string])[]): string {
  const width = Math.max(...rows.map(([command]) => command.length));
  return `\nExamples:\n${rows.map(([command, meaning]) => `  $ ${command.padEnd(width)}  ${meaning}`).join('\n')}\n`;
}

/** What to do about something odd in a checkpoint, under the name that loading has for it. */
export type WeightPolicy = 'error' | 'warn' | 'ignore';

export function weightPolicy(name: string, what: string): Option {
  return new Option(`--${name} <what to do>`, `about ${what}`).choices(['error', 'warn', 'ignore']).default('error');
}
