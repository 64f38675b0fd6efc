import { TextError, HybError } from '../errors.js';
import { messageOf } from '../messages.js';
import { openFile } from '../weights/sources/open.js';
import type { FileSource } from '../weights/types.js';
import { Tokenizer } from './tokenizer.js';

/** A folder (path or URL) that holds `tokenizer.json`, or its files. */
export type TokenizerSource =
  | string
  | URL
  | {
      readonly tokenizer: FileSource;
      readonly config?: FileSource;
      readonly generation?: FileSource;
      readonly template?: FileSource;
    };

const MOST_BYTES = 256 * 1024 * 1024;

/**
 * Loads a tokenizer, with its chat template where there is one.
 *
 * @throws TextError `bad-tokenizer`, `bad-template`; WeightsError `source-failed`
 */
export async function loadTokenizer(source: TokenizerSource, signal?: AbortSignal): Promise<Tokenizer> {
  const folder = typeof source === 'string' || source instanceof URL ? source : undefined;
  const files = folder === undefined ? (source as Exclude<TokenizerSource, string | URL>) : filesIn(folder);
  const optional = folder !== undefined;
  const tokenizer = await readJson(files.tokenizer, 'tokenizer.json', signal);
  const config = await maybe(optional, files.config, (file) => readJson(file, 'tokenizer_config.json', signal));
  const generation = await maybe(optional, files.generation, (file) =>
    readJson(file, 'generation_config.json', signal),
  );
  const template = await maybe(optional, files.template, (file) => readText(file, 'chat_template.jinja', signal));
  return new Tokenizer({
    tokenizer,
    ...(config === undefined ? {} : { config }),
    ...(generation === undefined ? {} : { generation }),
    ...(template === undefined ? {} : { template }),
  });
}

function filesIn(folder: string | URL): Record<'tokenizer' | 'config' | 'generation' | 'template', string | URL> {
  const base = String(folder).replace(/[/\\]?$/, '/');
  const file = (name: string): string | URL => (folder instanceof URL ? new URL(name, base) : base + name);
  return {
    tokenizer: file('tokenizer.json'),
    config: file('tokenizer_config.json'),
    generation: file('generation_config.json'),
    template: file('chat_template.jinja'),
  };
}

/** A file that a folder may lack. */
async function maybe<T>(
  optional: boolean,
  file: FileSource | undefined,
  read: (file: FileSource) => Promise<T>,
): Promise<T | undefined> {
  if (file === undefined) return undefined;
  try {
    return await read(file);
  } catch (error) {
    if (optional && error instanceof HybError && error.code === 'source-failed') return undefined;
    throw error;
  }
}

async function readText(file: FileSource, name: string, signal: AbortSignal | undefined): Promise<string> {
  const source = await openFile(file, signal);
  try {
    if (source.size > MOST_BYTES) throw new TextError('bad-tokenizer', `${name} is too large.`);
    const bytes = await source.read(0, source.size, { signal });
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    if (cause instanceof HybError || signal?.aborted) throw cause;
    throw new TextError('bad-tokenizer', `${name} is not UTF-8 text.`, { cause });
  } finally {
    await source.close?.();
  }
}

async function readJson(file: FileSource, name: string, signal: AbortSignal | undefined): Promise<unknown> {
  const text = await readText(file, name, signal);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new TextError('bad-tokenizer', `${name} is not JSON: ${messageOf(cause)}`, { cause });
  }
}
