/** The data of a recipe, made ready: tokens from the cache, windows, what is held out. */
import { TrainingError } from '../../errors.js';
import type { TrainingRecipe } from '../recipe.js';
import { prepareTokens } from './cache.js';
import type { PrepareOptions } from './cache.js';
import type { DataFile, DataFiles } from './files.js';
import type { TokenSource } from './tokens.js';
import { split, windowsOf } from './windows.js';
import type { Windows } from './windows.js';

export interface TrainingData {
  /** By name; of data without names the name is ''. */
  readonly sources: Readonly<Record<string, Windows>>;
  /** Held-out text, if the recipe evaluates. */
  readonly evaluation?: EvaluationData;
  close(): Promise<void>;
}

export interface EvaluationData {
  readonly windows: readonly Windows[];
  /** Tokens for every byte of the text. */
  readonly tokensPerByte: number;
}

export interface DataInput extends PrepareOptions {
  /** Files, or by name of the source. */
  readonly data: readonly DataFile[] | DataFiles;
  /** Held-out text; without it the end of the training data is held out. */
  readonly evaluation?: readonly DataFile[] | undefined;
  /** The model's; ids of tokens have to be below. */
  readonly vocab: number;
  /** Tokens in a training sequence. */
  readonly sequence: number;
}

/** Of the training data, where a recipe evaluates without data of its own; no more than it asks for. */
const HELD_OUT = 0.05;

/**
 * @throws as `prepareTokens`; TrainingError `bad-data` if the model has fewer ids than the tokenizer, or there is nothing to train
 *   or to evaluate on
 */
export async function prepareData(recipe: Pick<TrainingRecipe, 'evaluation'>, input: DataInput): Promise<TrainingData> {
  const { data, tokenizer, vocab, sequence } = input;
  if (tokenizer.codec.size > vocab) {
    throw new TrainingError(
      'bad-data',
      `The tokenizer has ${tokenizer.codec.size} ids, and the model a vocabulary of ${vocab}: write \`vocab = ${tokenizer.codec.size}\`, or more.`,
      { needed: tokenizer.codec.size, available: vocab },
    );
  }
  const opened: TokenSource[] = [];
  const open = async (files: readonly DataFile[]): Promise<TokenSource> => {
    const source = await prepareTokens(files, input);
    opened.push(source);
    return source;
  };
  const close = async (): Promise<void> => {
    for (const source of opened) await source.close();
  };
  try {
    const named = Array.isArray(data) ? { '': data as readonly DataFile[] } : (data as DataFiles);
    const sources: Record<string, Windows> = {};
    for (const [name, files] of Object.entries(named)) {
      const windows = windowsOf(await open(files), sequence);
      if (windows.count === 0) {
        const quoted = name === '' ? '' : ` '${name}'`;
        throw new TrainingError('bad-data', `The training data${quoted} has fewer than two tokens.`);
      }
      sources[name] = windows;
    }
    if (recipe.evaluation === undefined) return { sources, close };
    const most = Math.ceil((recipe.evaluation.tokens?.value ?? Infinity) / (sequence - 1));
    if (input.evaluation !== undefined) {
      const held = await open(input.evaluation);
      const windows = [windowsOf(held, sequence, { rest: true })];
      const evaluation = heldOut(windows, most, 'the held-out text has fewer than two tokens');
      return { sources, close, evaluation };
    }
    const held: Windows[] = [];
    for (const [name, windows] of Object.entries(sources)) {
      const { before, after } = split(windows, Math.min(HELD_OUT * windows.count, most));
      sources[name] = before;
      held.push(after);
    }
    const help = `the data is one sequence of ${sequence} tokens at most. Give more of it, held-out text, or a shorter \`sequence\``;
    return { sources, close, evaluation: heldOut(held, most, help) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @throws TrainingError `bad-data` where there is nothing to predict */
function heldOut(windows: readonly Windows[], most: number, help: string): EvaluationData {
  if (windows.every(({ count }) => count === 0)) {
    throw new TrainingError('bad-data', `There is no text to evaluate on: ${help}.`);
  }
  return evaluationOf(windows, most);
}

/** The first windows of each, together about as many as wanted. */
export function evaluationOf(windows: readonly Windows[], most: number): EvaluationData {
  const count = windows.reduce((sum, each) => sum + each.count, 0);
  const share = Math.min(1, most / count);
  const total = (of: 'tokens' | 'bytes'): number => windows.reduce((sum, { source }) => sum + source.info[of], 0);
  return {
    windows: windows.map((each) => ({ ...each, count: share === 1 ? each.count : Math.ceil(share * each.count) })),
    tokensPerByte: total('tokens') / total('bytes'),
  };
}
