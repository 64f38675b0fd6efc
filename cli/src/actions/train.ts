import { join, resolve } from 'node:path';
import type { TrainingData, TrainingEngine } from '@hyb/runtime';
import { diskFiles, lastCheckpoint, metricsLine, prepareData, train as trainSteps, TrainingError } from '@hyb/runtime';
import { CHECKPOINTS } from '@hyb/runtime/train/checkpoints/places';
import { formatCount, formatScaled } from '@hyb/compiler/inspect/units';
import { INTERRUPTED, onInterrupt } from '../generate/interrupt.js';
import { isInside } from '../files/root.js';
import { CliError, EXIT } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';
import { withProgress } from '../terminal/progress.js';
import { parseChange } from '../train/change.js';
import type { Change } from '../train/change.js';
import { openEngine } from '../train/engines.js';
import type { TrainingDevice } from '../train/devices.js';
import type { RunEngine } from '../train/engines.js';
import { openRun } from '../train/open-run.js';
import type { OpenedRun, RunOptions } from '../train/open-run.js';
import { runProgress } from '../train/progress.js';
import { writeRunReport } from '../train/report/run-report.js';
import { describeSample } from '../train/samples.js';
import type { Sample } from '../train/samples.js';
import { tokenCache } from '../train/token-cache.js';
import { loadFirstWeights } from '../train/weights.js';

export interface TrainCommandOptions extends RunOptions {
  readonly device: TrainingDevice;
  readonly resume?: boolean;
  readonly steps?: number;
  readonly set?: readonly string[];
  readonly out?: string;
  readonly sample: number;
}

export async function train(io: Io, file: string, options: TrainCommandOptions): Promise<number> {
  const changes: Change[] = (options.set ?? []).map(parseChange);
  if (options.steps !== undefined) changes.push({ field: 'steps', value: String(options.steps) });
  const run = await openRun(io, file, options, changes);
  const out = options.out ?? `runs/${run.name}`;
  const { signal, release } = onInterrupt();
  try {
    return await trainRun(io, run, { ...options, out, signal });
  } finally {
    release();
  }
}

export interface RunRequest {
  readonly device: TrainingDevice;
  readonly resume?: boolean;
  readonly json?: boolean;
  /** Folder of the run, as the user named it. */
  readonly out: string;
  readonly signal: AbortSignal;
  /** Tokens that the trained model is to write; 0: none. */
  readonly sample: number;
}

/** Trains one run into its folder, with a report. */
export async function trainRun(io: Io, run: OpenedRun, request: RunRequest): Promise<number> {
  const { signal } = request;
  try {
    return await openAndTrain(io, run, request);
  } catch (error) {
    // While texts and weights are read; a run that has begun ends with a checkpoint.
    if (!signal.aborted || error !== signal.reason) throw error;
    io.err('Interrupted before the first step.\n');
    return INTERRUPTED;
  }
}

async function openAndTrain(io: Io, run: OpenedRun, request: RunRequest): Promise<number> {
  const { out, signal } = request;
  const folder = resolve(io.cwd, out);
  const data = await loadData(io, run, folder, signal);
  try {
    const opened = await withProgress(io, (progress) => {
      progress.show('Compiling kernels');
      return openEngine(run, request.device);
    });
    try {
      return await runWith(io, run, data, opened, folder, request);
    } finally {
      opened.dispose();
    }
  } finally {
    await data.close();
  }
}

async function runWith(
  io: Io,
  run: OpenedRun,
  data: TrainingData,
  opened: RunEngine,
  folder: string,
  request: RunRequest,
): Promise<number> {
  const from = await begin(io, run, opened.engine, folder, request);
  if (!request.json) io.err(`${heading(run, request.out, from)}\n`);
  const code = await steps(io, run, data, opened, folder, request);
  const writes = code === EXIT.ok && request.sample > 0;
  const samples = writes ? await writeSamples(run, data, opened, folder, request) : [];
  const path = await writeRunReport(folder, {
    title: run.name,
    device: opened.device,
    facts: factsOf(run, opened),
    samples,
  });
  if (request.json) return code;
  for (const { text } of samples) io.err(`\n${text}\n\n`);
  io.out(`${path}\n`);
  if (code === INTERRUPTED) io.err('Interrupted: --resume goes on from here.\n');
  return code;
}

function loadData(io: Io, run: OpenedRun, folder: string, signal: AbortSignal): Promise<TrainingData> {
  const { tokenizer, data, heldOut, length, checked, recipe } = run;
  return withProgress(io, (progress) =>
    prepareData(recipe, {
      data,
      evaluation: heldOut,
      tokenizer,
      cache: tokenCache(folder),
      vocab: checked.model.vocab,
      sequence: length.sequence,
      signal,
      onProgress: ({ stage, file, doneBytes, totalBytes }) =>
        progress.show(`${stage === 'reading' ? 'Reading' : 'Tokenising'} ${file}`, doneBytes / totalBytes),
    }),
  );
}

/** Gives the engine the weights that were asked for, unless a checkpoint of the run has its own; returns what it begins with. */
async function begin(
  io: Io,
  { recipe, weights }: OpenedRun,
  engine: TrainingEngine,
  folder: string,
  { resume, signal }: RunRequest,
): Promise<string> {
  const found = resume ? await lastCheckpoint(diskFiles(checkpointFolder(recipe, folder))) : undefined;
  if (found !== undefined) return `, from step ${found.state.step}`;
  if (weights === undefined) return '';
  await withProgress(io, (progress) => loadFirstWeights(engine, weights, progress, signal));
  return `, from the weights of ${weights.name}`;
}

function heading({ name, checked, parameters, length }: OpenedRun, out: string, from: string): string {
  const count = parameters.reduce((sum, { shape }) => sum + shape.reduce((n, size) => n * size, 1), 0);
  return `${name}: ${checked.model.name}, ${formatCount(count)} parameters, ${formatCount(length.steps)} steps of ${formatCount(length.tokensPerStep)} tokens${from}; ${out}`;
}

async function steps(
  io: Io,
  run: OpenedRun,
  data: TrainingData,
  { engine, length, work }: RunEngine,
  folder: string,
  { resume, signal, json }: RunRequest,
): Promise<number> {
  const { recipe, compiled, layout, tokenizer } = run;
  const extra = { ...tokenizer.files, ...layout.files };
  const progress = await runProgress(json ? { ...io, interactive: false, err: () => undefined } : io, length.steps);
  try {
    for await (const metrics of trainSteps({
      engine,
      recipe: compiled,
      length,
      data,
      files: diskFiles(folder),
      checkpoints: diskFiles(checkpointFolder(recipe, folder)),
      checkpoint: { map: layout.tensors, extra },
      resume,
      signal,
      work,
    })) {
      if (json) io.out(`${metricsLine(metrics)}\n`);
      progress.show(metrics);
    }
    return signal.aborted ? INTERRUPTED : EXIT.ok;
  } catch (error) {
    progress.stop();
    // What the recipe's policy has ended is an outcome of the run, which has a report like any other.
    if (!(error instanceof TrainingError && (error.code === 'not-finite' || error.code === 'loss-spike'))) throw error;
    io.err(`${io.paintErr.bold(io.paintErr.red('error'))} ${error.message}\n`);
    return EXIT.findings;
  } finally {
    progress.stop();
  }
}

/** A continuation of held-out text, or of the training text. */
async function writeSamples(
  { tokenizer, recipe }: OpenedRun,
  data: TrainingData,
  engine: RunEngine,
  folder: string,
  { sample }: RunRequest,
): Promise<readonly Sample[]> {
  const checkpoints = checkpointFolder(recipe, folder);
  const last = await lastCheckpoint(diskFiles(checkpoints));
  if (last === undefined) return [];
  const windows = data.evaluation?.windows[0] ?? Object.values(data.sources)[0]!;
  const start = windows.first * (windows.length - 1);
  const [tokens] = await windows.source.read(start, Math.min(24, windows.length, windows.source.info.tokens - start));
  const prompt = [...tokens!];
  const made = await engine.sample(join(checkpoints, last.name), prompt, sample);
  return [describeSample(tokenizer.codec, prompt, made)];
}

function checkpointFolder({ checkpoints }: OpenedRun['recipe'], folder: string): string {
  const place = resolve(folder, checkpoints.folder ?? CHECKPOINTS);
  if (isInside(place, folder)) return place;
  throw new CliError(`The recipe keeps checkpoints in ${checkpoints.folder}, which leads out of the run's folder.`);
}

function factsOf({ checked, recipe, length }: OpenedRun, { work }: RunEngine): readonly (readonly [string, string])[] {
  return [
    ['model', checked.model.name],
    ['sequence', `${length.sequence} tokens`],
    ['batch', `${length.batch} sequences`],
    ['rate', `${recipe.rate}, ${recipe.schedule.name}`],
    ['optimizer', recipe.optimizer.name],
    ['seed', String(recipe.seed)],
    ...(work === undefined ? [] : [['matrix products of the device', formatScaled(work.peak, 'op/s')] as const]),
  ];
}
