import { catalogue } from '@hyb/compiler';
import { CliError, EXIT } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';

export interface ExplainOptions {
  readonly json?: boolean;
}

export function explain(io: Io, written: string | undefined, { json }: ExplainOptions): number {
  const { paint } = io;
  if (written === undefined) {
    const all = [...catalogue].map(([code, { title }]) => ({ code, title }));
    if (json) io.out(`${JSON.stringify(all, null, 2)}\n`);
    else for (const { code, title } of all) io.out(`${paint.bold(code)}  ${title}\n`);
    return EXIT.ok;
  }
  const code = normalized(written);
  const entry = catalogue.get(code);
  if (entry === undefined) throw new CliError(`There is no code ${code}.`, '`hyb explain` lists all codes.');
  if (json) {
    io.out(`${JSON.stringify({ code, ...entry }, null, 2)}\n`);
    return EXIT.ok;
  }
  const block = (text: string): string => text.trimEnd().replace(/^(?=.)/gm, '    ');
  io.out(`${paint.bold(`${code}: ${entry.title}`)}\n\n${entry.explanation}\n`);
  io.out(`\n${paint.red('Breaks the rule')}\n\n${block(entry.example)}\n`);
  io.out(`\n${paint.green('Repaired')}\n\n${block(entry.fixed)}\n`);
  return EXIT.ok;
}

function normalized(written: string): string {
  const digits = /^(?:hyb)?(\d{1,4})$/i.exec(written.trim())?.[1];
  return digits === undefined ? JSON.stringify(written.slice(0, 40)) : `HYB${digits.padStart(4, '0')}`;
}
