import { visible } from '@hyb/grammar/diagnostics/columns';

/** A message with names from files in it, which may hold characters that a terminal acts on. */
export function shown(message: string): string {
  return message.split('\n').map(visible).join('\n');
}
