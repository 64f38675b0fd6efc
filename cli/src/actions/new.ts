import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { declarationName } from '@hyb/compiler/interop/source';
import { writeFolder } from '../files/write.js';
import { TEMPLATES, newFiles } from '../new/templates.js';
import { CliError, EXIT } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';

export interface NewOptions {
  readonly template: string;
  readonly name?: string;
  readonly json?: boolean;
}

export async function newFolder(io: Io, folder: string, { template, name, json }: NewOptions): Promise<number> {
  const path = resolve(io.cwd, folder);
  if (existsSync(path)) throw new CliError(`${folder} is there already.`, 'Name a folder that is not there yet.');
  if (name !== undefined && !/^[A-Za-z_]\w*$/.test(name)) {
    throw new CliError(`'${name}' is not a name: letters, digits and underscores are, not beginning with a digit.`);
  }
  const model = name ?? declarationName(basename(path));
  const files = newFiles(basename(path), model, TEMPLATES[template]!);
  await writeFolder(path, files, () => true);
  if (json) {
    io.out(`${JSON.stringify({ folder: path, model, files: [...files.keys()] }, null, 2)}\n`);
    return EXIT.ok;
  }
  io.out(`Made ${io.paint.bold(folder)} with the model ${model} in model.hyb. Next:\n`);
  io.out(`  cd ${shellWord(folder)}\n  hyb inspect model.hyb\n  hyb build model.hyb\n  hyb train model.hyb\n`);
  return EXIT.ok;
}

/** As a shell takes it for one word. */
function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
