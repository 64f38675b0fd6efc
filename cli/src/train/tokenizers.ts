/** The tokenizer of a run, and the files by which others know it. */
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { byteTokenizer, byteTokenizerFiles, digest, Tokenizer } from '@hyb/runtime';
import type { DataTokenizer } from '@hyb/runtime';
import { CliError } from '../terminal/errors.js';

export interface RunTokenizer extends DataTokenizer {
  /** Texts by name, to be kept beside weights. */
  readonly files: Readonly<Record<string, string>>;
}

const NAMES = ['tokenizer.json', 'tokenizer_config.json', 'generation_config.json', 'chat_template.jinja'] as const;

export function bytesAsTokens(): RunTokenizer {
  const { tokenizer, config } = byteTokenizerFiles();
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  return {
    codec: byteTokenizer,
    key: 'bytes',
    files: { 'tokenizer.json': json(tokenizer), 'tokenizer_config.json': json(config) },
  };
}

/** @param path absolute: a `tokenizer.json`, with what belongs to it beside it, or the folder of one */
export async function openTokenizer(path: string, shown: string): Promise<RunTokenizer> {
  if (!existsSync(path))
    throw new CliError(`There is no tokenizer ${shown}.`, '`hyb tokenizer train` makes one, and `bytes` needs none.');
  const folder = statSync(path).isDirectory() ? path : dirname(path);
  const main = folder === path ? NAMES[0] : basename(path);
  if (!existsSync(join(folder, main))) throw new CliError(`There is no tokenizer.json in ${shown}.`);
  const files: Record<string, string> = {};
  for (const name of NAMES) {
    const file = join(folder, name === NAMES[0] ? main : name);
    if (existsSync(file)) files[name] = await readFile(file, 'utf8');
  }
  const parsed = (name: (typeof NAMES)[number]): unknown => {
    const text = files[name];
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new CliError(`${join(shown, name)} is no JSON.`, undefined, { cause });
    }
  };
  const [config, generation, template] = [parsed(NAMES[1]), parsed(NAMES[2]), files[NAMES[3]]];
  const codec = new Tokenizer({
    tokenizer: parsed(NAMES[0]),
    ...(config === undefined ? {} : { config }),
    ...(generation === undefined ? {} : { generation }),
    ...(template === undefined ? {} : { template }),
  });
  return { codec, key: await digest(JSON.stringify(NAMES.map((name) => files[name] ?? null))), files };
}
