import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliError } from '../terminal/errors.js';

/**
 * The folder of an installed package.
 * @throws CliError that says how to get it where it is not installed
 */
export function packageFolder(name: string): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (folder === dirname(folder)) break;
  }
  throw new CliError(`This needs the package ${name}, which is not installed.`, `npm install ${name}`);
}
