import { visible } from '@hyb/grammar/diagnostics/columns';
import type { Io } from './io.js';

/** A message with names from files in it, which may hold characters that a terminal acts on. */
export function shown(message: string): string {
  return message.split('\n').map(visible).join('\n');
}

/** Prints what the runtime warns of. */
export function warn({ err, paintErr }: Pick<Io, 'err' | 'paintErr'>, message: string): void {
  err(`${paintErr.yellow('warning')} ${shown(message)}\n`);
}
