import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sources } from './compile.js';

const folder = join(process.cwd(), 'models');

/** The texts of models/, by file name. */
export const modelSources: Sources = Object.fromEntries(
  readdirSync(folder)
    .filter((name) => name.endsWith('.hyb'))
    .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
);
