/** What to continue, as the options say it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadTokenizer } from '@hyb/runtime';
import type { ChatMessage, Prompt, TextCodec } from '@hyb/runtime';
import { CliError } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';

export interface PromptOptions {
  readonly prompt?: string;
  readonly ids?: readonly number[];
  readonly chat?: boolean;
  readonly system?: string;
  readonly fromState?: string;
}

/** Options that do not go together, before anything is loaded. */
export function checkPromptOptions({ prompt, ids, chat, system, fromState }: PromptOptions): void {
  if (prompt !== undefined && ids !== undefined)
    throw new CliError('--prompt and --ids are both given; one is wanted.');
  if (prompt === undefined && ids === undefined) {
    const what = fromState === undefined ? 'What should be continued?' : 'What comes next, after the state?';
    throw new CliError(what, '--prompt "text" (- reads standard input), or --ids 1,2,3');
  }
  if (chat && prompt === undefined) throw new CliError('--chat wants a --prompt.');
  if (system !== undefined && !chat) throw new CliError('--system goes with --chat.');
}

/** A folder's tokenizer, if it has one. */
export async function findTokenizer(
  folder: string | undefined,
  asked: string | undefined,
  signal: AbortSignal,
): Promise<TextCodec | undefined> {
  const place = asked ?? folder;
  const has = place !== undefined && existsSync(join(place, 'tokenizer.json'));
  if (!has && asked !== undefined) throw new CliError(`There is no tokenizer.json in ${asked}.`);
  return has ? loadTokenizer(place, signal) : undefined;
}

/** @throws CliError for text without a tokenizer */
export async function promptOf(io: Io, options: PromptOptions, tokenizer: TextCodec | undefined): Promise<Prompt> {
  const { prompt, ids, chat, system, fromState } = options;
  if (ids !== undefined) return ids;
  if (tokenizer === undefined) {
    throw new CliError(
      'A prompt of text needs a tokenizer, and there is no tokenizer.json beside the weights.',
      'Name a folder with --tokenizer, or give the prompt as --ids 1,2,3.',
    );
  }
  const text = prompt === '-' ? await io.input() : (prompt ?? '');
  // What begins a text has been said to a state already.
  if (!chat) return tokenizer.encode(text, { special: fromState === undefined });
  const messages: ChatMessage[] = [{ role: 'user', content: text }];
  if (system !== undefined) messages.unshift({ role: 'system', content: system });
  return { messages };
}
