import { HybError, TextError } from '../errors.js';
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

/** Texts of a tokenizer's files by name: all but the first may be missing. */
export const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'generation_config.json',
  'chat_template.jinja',
] as const;
export type TokenizerTexts = Readonly<Partial<Record<(typeof TOKENIZER_FILES)[number], string>>>;

const MOST_BYTES = 256 * 1024 * 1024;

/**
 * Loads a tokenizer, with its chat template where there is one.
 *
 * @throws TextError `bad-tokenizer`, `bad-template`; WeightsError `source-failed`
 */
export async function loadTokenizer(source: TokenizerSource, signal?: AbortSignal): Promise<Tokenizer> {
  return parseTokenizer(await readTokenizer(source, signal));
}

/** @throws TextError `bad-tokenizer`, `bad-template` */
export function parseTokenizer(texts: TokenizerTexts): Tokenizer {
  const [main, config, generation, template] = TOKENIZER_FILES;
  return new Tokenizer({
    tokenizer: parseJson(texts[main] ?? '', main),
    ...(texts[config] === undefined ? {} : { config: parseJson(texts[config], config) }),
    ...(texts[generation] === undefined ? {} : { generation: parseJson(texts[generation], generation) }),
    ...(texts[template] === undefined ? {} : { template: texts[template] }),
  });
}

/**
 * The files of a tokenizer as they are.
 *
 * @throws TextError `bad-tokenizer` if one is no text; WeightsError `source-failed`
 */
export async function readTokenizer(source: TokenizerSource, signal?: AbortSignal): Promise<TokenizerTexts> {
  const folder = typeof source === 'string' || source instanceof URL ? source : undefined;
  const files = folder === undefined ? (source as Exclude<TokenizerSource, string | URL>) : filesIn(folder);
  const given = [files.tokenizer, files.config, files.generation, files.template];
  const texts: Partial<Record<keyof TokenizerTexts, string>> = {};
  for (const [i, name] of TOKENIZER_FILES.entries()) {
    const file = given[i];
    if (file === undefined) continue;
    // A folder may lack all but the first.
    const text = await readText(file, name, signal).catch((error: unknown) => {
      if (folder !== undefined && i > 0 && error instanceof HybError && error.code === 'source-failed')
        return undefined;
      throw error;
    });
    if (text !== undefined) texts[name] = text;
  }
  return texts;
}

function filesIn(folder: string | URL): Record<'tokenizer' | 'config' | 'generation' | 'template', string | URL> {
  const base = String(folder).replace(/[/\\]?$/, '/');
  const [tokenizer, config, generation, template] = TOKENIZER_FILES.map((name) =>
    folder instanceof URL ? new URL(name, base) : base + name,
  ) as [string | URL, string | URL, string | URL, string | URL];
  return { tokenizer, config, generation, template };
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

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new TextError('bad-tokenizer', `${name} is not JSON: ${messageOf(cause)}`, { cause });
  }
}
