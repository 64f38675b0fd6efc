import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { planModel } from '@hyb/compiler';
import { printWgsl } from '@hyb/compiler/wgsl/index';
import { createModel, openDevice } from '@hyb/runtime';
import type { LoadProgress, StorageType, TextCodec } from '@hyb/runtime';
import type { WeightPolicy } from '../commands/context.js';
import { continuePrompt } from '../generate/continue.js';
import type { ContinueOptions, ContinueRequest } from '../generate/continue.js';
import { Interrupted, INTERRUPTED, onInterrupt } from '../generate/interrupt.js';
import { checkPromptOptions, findTokenizer, promptOf } from '../generate/prompt.js';
import type { PromptOptions } from '../generate/prompt.js';
import { checkSource, firstModel, mentionOthers, openSource } from '../project/source.js';
import type { OpenedSource } from '../project/source.js';
import { findWeights, folderOf } from '../project/weights.js';
import { CliError } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';
import { warn } from '../terminal/message.js';
import { withProgress } from '../terminal/progress.js';
import type { Progress } from '../terminal/progress.js';

export interface GenerateCommandOptions extends PromptOptions, ContinueOptions {
  readonly weights?: string;
  readonly tokenizer?: string;
  readonly model?: string;
  readonly storage?: StorageType;
  readonly unexpected: WeightPolicy;
  readonly nonFinite: WeightPolicy;
  readonly root?: string;
}

export async function generate(io: Io, source: string, options: GenerateCommandOptions): Promise<number> {
  checkPromptOptions(options);
  const opened = await openSource(io, source, options);
  const weights = findWeights(io, opened, options.weights);
  if (weights === undefined) {
    throw new CliError('Which weights? A .hyb file has none.', '--weights names a safetensors file or a folder.');
  }
  const state = options.fromState === undefined ? undefined : await readState(io, options.fromState);
  const { signal, release } = onInterrupt();
  try {
    return await generateFrom(io, opened, { weights, state, options, signal });
  } catch (error) {
    // Before the first token there is nothing to say.
    if (error instanceof Interrupted) return INTERRUPTED;
    throw error;
  } finally {
    release();
  }
}

interface Request extends ContinueRequest {
  readonly weights: string;
  readonly options: GenerateCommandOptions;
}

async function generateFrom(io: Io, opened: OpenedSource, request: Request): Promise<number> {
  const { weights, options, signal } = request;
  const all = await checkSource(io, opened, options);
  const checked = firstModel(all, opened);
  if (!options.json && options.model === undefined && opened.model === undefined) mentionOthers(io, all);
  const tokenizer = await findTokenizer(
    folderOf(weights),
    options.tokenizer && resolve(io.cwd, options.tokenizer),
    signal,
  );
  const prompt = await promptOf(io, options, tokenizer);
  if (options.stop !== undefined && tokenizer === undefined) {
    throw new CliError('--stop wants a tokenizer: without one there is no text.');
  }
  const [{ gpu }, plan] = [await import('@hyb/adapter'), planModel(checked)];
  const kernels = Object.fromEntries([...plan.kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  const device = await openDevice({ gpu: await gpu() });
  try {
    const model = await withProgress(io, (progress) =>
      createModel(plan.program, kernels, { device, ...loadOptions(io, request, tokenizer, progress) }),
    );
    try {
      return await continuePrompt(io, model, prompt, request);
    } finally {
      model.dispose();
    }
  } finally {
    device.dispose();
  }
}

function loadOptions(
  io: Io,
  { weights, options, signal }: Request,
  tokenizer: TextCodec | undefined,
  progress: Progress,
) {
  progress.show('Loading weights', 0);
  return {
    weights,
    signal,
    onProgress: ({ loadedBytes, totalBytes }: LoadProgress): void => {
      if (loadedBytes < totalBytes) progress.show('Loading weights', loadedBytes / totalBytes);
      else progress.show('Compiling kernels');
    },
    onWarning: (message: string): void => warn(io, message),
    ...(tokenizer === undefined ? {} : { tokenizer }),
    ...(options.storage === undefined ? {} : { storage: options.storage }),
    unexpected: options.unexpected,
    nonFinite: options.nonFinite,
  };
}

async function readState(io: Io, file: string): Promise<Uint8Array> {
  const path = resolve(io.cwd, file);
  if (!existsSync(path)) throw new CliError(`There is no state ${file}.`, '--save-state writes one.');
  return readFile(path);
}
