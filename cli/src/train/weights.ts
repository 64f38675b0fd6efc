/** A checkpoint that a run begins with. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CheckedModel } from '@hyb/compiler';
import { loadParameters, openCheckpoint } from '@hyb/runtime';
import type { TrainingEngine } from '@hyb/runtime';
import { matchCheckpoint } from '@hyb/runtime/weights/match';
import type { Layout } from '@hyb/runtime/weights/match';
import type { WeightPolicy } from '../commands/context.js';
import { checkpointNames } from '../export/tensors.js';
import { CliError } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';
import { warn } from '../terminal/message.js';
import type { Progress } from '../terminal/progress.js';

export interface FirstWeights {
  /** Absolute: a safetensors file, or a folder with one or several. */
  readonly path: string;
  /** As the user named it. */
  readonly name: string;
  readonly names: Layout;
}

/**
 * A checkpoint that holds a model's tensors; their values are not read yet.
 *
 * @throws CliError, WeightsError naming all tensors that do not fit
 */
export async function firstWeights(
  io: Io,
  checked: CheckedModel,
  asked: string,
  { unexpected = 'error' }: { readonly unexpected?: WeightPolicy },
): Promise<FirstWeights> {
  const path = resolve(io.cwd, asked);
  if (!existsSync(path)) throw new CliError(`There is no checkpoint ${asked}.`);
  const names = checkpointNames(checked);
  const checkpoint = await openCheckpoint(path);
  try {
    matchCheckpoint(names, checkpoint, { unexpected, warn: (message) => warn(io, message) });
  } finally {
    await checkpoint.close();
  }
  return { path, name: asked, names };
}

export async function loadFirstWeights(
  engine: TrainingEngine,
  { path, names }: FirstWeights,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  progress.show('Loading weights', 0);
  await loadParameters(engine, names, path, {
    // What has no place was told of before.
    unexpected: 'ignore',
    signal,
    onProgress: ({ loadedBytes, totalBytes }) => progress.show('Loading weights', loadedBytes / totalBytes),
  });
}
