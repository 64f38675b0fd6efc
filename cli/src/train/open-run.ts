/** From a file and options to everything that a run needs, but for the engine. */
import { resolve } from 'node:path';
import { checkpointLayout, compiledRecipe, trainedParameters } from '@hyb/compiler';
import type { CheckedModel, CheckpointLayout, TrainedParameter, TrainRecipe } from '@hyb/compiler';
import { bytesAsTokens, runLength } from '@hyb/runtime';
import type { CompiledRecipe, DataFile, DataFiles, DataTokenizer, RunLength } from '@hyb/runtime';
import type { WeightPolicy } from '../commands/context.js';
import { locate } from '../files/root.js';
import { checkSource, openFile } from '../project/source.js';
import { attempt } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';
import { applyChanges } from './change.js';
import type { Change } from './change.js';
import { checkRecipe } from './check-recipe.js';
import type { TrainableRecipe } from './check-recipe.js';
import { heldOutFiles, recipePath, trainingFiles } from './sources.js';
import type { Place } from './sources.js';
import { openTokenizer } from './tokenizers.js';
import { firstWeights } from './weights.js';
import type { FirstWeights } from './weights.js';

export interface RunOptions {
  readonly recipe?: string;
  readonly data?: readonly string[];
  readonly heldOut?: readonly string[];
  readonly tokenizer?: string;
  readonly weights?: string;
  readonly unexpected?: WeightPolicy;
  readonly root?: string;
  readonly json?: boolean;
}

export interface OpenedRun {
  /** As it is called in the file. */
  readonly name: string;
  readonly recipe: TrainableRecipe;
  /** As the runtime takes it. */
  readonly compiled: CompiledRecipe;
  readonly checked: CheckedModel;
  readonly parameters: readonly TrainedParameter[];
  readonly layout: CheckpointLayout;
  readonly length: RunLength;
  readonly tokenizer: DataTokenizer;
  readonly data: readonly DataFile[] | DataFiles;
  readonly heldOut?: readonly DataFile[];
  /** What the model begins with in place of drawn values. */
  readonly weights?: FirstWeights;
}

/** @throws Exit after findings were printed; CliError, TrainingError */
export async function openRun(
  io: Io,
  file: string,
  options: RunOptions,
  changes: readonly Change[],
): Promise<OpenedRun> {
  const original = openFile(io, file, options.root);
  const { opened, recipe: name } = applyChanges(original, options.recipe, changes);
  const all = await checkSource(io, opened, { json: options.json });
  const { recipe, checked } = checkRecipe(io, opened, all, name, options.json);
  const { root, path } = locate(file, io.cwd, options.root);
  const place: Place = { cwd: io.cwd, root, folder: resolve(root, path, '..') };
  const heldOut = await heldOutFiles(place, options.heldOut ?? [], recipe.evaluation);
  return {
    name: options.recipe ?? (name === 'Changed' ? baseName(original, name) : name),
    recipe,
    compiled: compiledRecipe(recipe),
    checked,
    parameters: trainedParameters(recipe),
    layout: attempt(() => checkpointLayout(all, checked)),
    length: runLength(recipe, { context: recipe.model.context }),
    tokenizer: await tokenizerOf(place, options.tokenizer, recipe.tokenizer),
    data: await trainingFiles(place, options.data ?? [], recipe.data),
    ...(heldOut === undefined ? {} : { heldOut }),
    ...(options.weights === undefined ? {} : { weights: await firstWeights(io, checked, options.weights, options) }),
  };
}

function baseName(original: Parameters<typeof applyChanges>[0], fallback: string): string {
  return applyChanges(original, undefined, []).recipe || fallback;
}

function tokenizerOf(place: Place, asked: string | undefined, said: TrainRecipe['tokenizer']): Promise<DataTokenizer> {
  if (asked === 'bytes' || (asked === undefined && typeof said !== 'string')) return Promise.resolve(bytesAsTokens());
  return asked === undefined
    ? openTokenizer(recipePath(place, said as string), said as string)
    : openTokenizer(resolve(place.cwd, asked), asked);
}
