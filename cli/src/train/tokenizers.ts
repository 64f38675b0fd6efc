/** The tokenizer of a run that is named by a path. */
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { dataTokenizer, HybError, TOKENIZER_FILES } from '@hyb/runtime';
import type { DataTokenizer, TokenizerTexts } from '@hyb/runtime';
import { CliError } from '../terminal/errors.js';

const [MAIN] = TOKENIZER_FILES;

/** @param path absolute: a `tokenizer.json`, with what belongs to it beside it, or the folder of one */
export async function openTokenizer(path: string, shown: string): Promise<DataTokenizer> {
  if (!existsSync(path))
    throw new CliError(`There is no tokenizer ${shown}.`, '`hyb tokenizer train` makes one, and `bytes` needs none.');
  const folder = statSync(path).isDirectory() ? path : dirname(path);
  const main = folder === path ? MAIN : basename(path);
  if (!existsSync(join(folder, main))) throw new CliError(`There is no tokenizer.json in ${shown}.`);
  const files: Partial<Record<keyof TokenizerTexts, string>> = {};
  for (const name of TOKENIZER_FILES) {
    const file = join(folder, name === MAIN ? main : name);
    if (existsSync(file)) files[name] = await readFile(file, 'utf8');
  }
  try {
    return await dataTokenizer(files);
  } catch (cause) {
    if (cause instanceof HybError) throw new CliError(`${shown}: ${cause.message}`, undefined, { cause });
    throw cause;
  }
}
