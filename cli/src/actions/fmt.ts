import { existsSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SyntaxErrors, format } from '@hyb/grammar';
import type { Diagnostic } from '@hyb/grammar';
import { readSource, sourcesIn } from '../files/host.js';
import { writeText } from '../files/write.js';
import { jsonDiagnostics, printDiagnostics } from '../report/diagnostics.js';
import { CliError, EXIT } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';

export interface FmtOptions {
  readonly check?: boolean;
  readonly json?: boolean;
}

interface Formatted {
  readonly file: string;
  readonly text: string;
  readonly changed: boolean;
  /** Errors for which the file was left as it is. */
  readonly diagnostics: readonly Diagnostic[];
}

export async function formatFiles(io: Io, files: readonly string[], options: FmtOptions): Promise<number> {
  const { check, json } = options;
  if (files.includes('-') && files.length > 1) throw new CliError('Standard input is formatted alone.');
  const results: Formatted[] = [];
  for (const file of files.flatMap((each) => filesOf(io, each))) results.push(await formatOne(io, file, options));
  const failed = results.some(({ diagnostics }) => diagnostics.length > 0);
  const changed = results.filter((result) => result.changed);
  if (json) {
    const report = results.map(({ file, text, diagnostics, ...rest }) => ({
      file,
      changed: rest.changed,
      diagnostics: jsonDiagnostics(diagnostics, () => text),
    }));
    io.out(`${JSON.stringify({ ok: !failed && !(check && changed.length > 0), files: report }, null, 2)}\n`);
  } else {
    for (const { text, diagnostics } of results) printDiagnostics(io, diagnostics, () => text);
    if (files[0] === '-') {
      if (!check && !failed) io.out(results[0]!.text);
    } else {
      for (const { file } of changed) io.out(`${check ? 'not formatted: ' : ''}${file}\n`);
    }
  }
  return failed || (check && changed.length > 0) ? EXIT.findings : EXIT.ok;
}

/** A file itself, or the `.hyb` files in a folder. */
function filesOf(io: Io, file: string): readonly string[] {
  if (file === '-') return [file];
  const path = resolve(io.cwd, file);
  if (!existsSync(path)) throw new CliError(`There is no file ${file}.`);
  if (!statSync(path).isDirectory()) return [file];
  const found = [...sourcesIn(path)].sort();
  if (found.length === 0) throw new CliError(`There are no .hyb files in ${file}.`);
  return found.map((each) => join(file, each));
}

async function formatOne(io: Io, file: string, { check }: FmtOptions): Promise<Formatted> {
  const stdin = file === '-';
  const path = resolve(io.cwd, file);
  const name = stdin ? 'standard input' : file;
  const before = stdin ? await io.input() : readSource(path, file);
  try {
    const text = await format(before, { file: name });
    const changed = text !== before;
    // A link stays a link.
    if (changed && !check && !stdin) await writeText(realpathSync(path), text);
    return { file, text, changed, diagnostics: [] };
  } catch (error) {
    if (!(error instanceof SyntaxErrors)) throw error;
    return { file, text: before, changed: false, diagnostics: error.diagnostics };
  }
}
