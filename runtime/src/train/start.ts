/** Training from a compiled program, a compiled recipe and texts. */
import { Device, openDevice } from '../device/device.js';
import { DeviceError, formatBytes, TrainingError } from '../errors.js';
import type { Program, WgslSources } from '../program/program.js';
import type { MatchOptions } from '../weights/match.js';
import type { WeightSource } from '../weights/types.js';
import { prepareData } from './data/prepare.js';
import { dataOf } from './data/files.js';
import type { DataFile, DataFiles, DataSource } from './data/files.js';
import type { DataProgress } from './data/cache.js';
import { bytesAsTokens } from './data/tokenizer.js';
import type { DataTokenizer } from './data/tokenizer.js';
import { folderIn } from './files/folder.js';
import { memoryFiles } from './files/memory.js';
import type { Files } from './files/types.js';
import { initialValues } from './initial.js';
import type { Distribution } from './initial.js';
import { loadParameters } from './load.js';
import { planMemory, planParts } from './memory-plan.js';
import type { MemoryPlan } from './memory-plan.js';
import type { TrainingRecipe } from './recipe.js';
import type { RuleName } from './moments.js';
import { runLength } from './run/length.js';
import type { RunLength } from './run/length.js';
import type { StepMetrics } from './run/metrics.js';
import { train } from './run/train.js';
import type { TrainOptions } from './run/train.js';
import { createTrainer } from './trainer.js';
import type { MuonScale, OptimizerSettings, Trainer } from './trainer.js';
import { operationsPerToken } from './work.js';

/** A recipe with what the compiler knows of the model's parameters; plain data. */
export interface CompiledRecipe extends TrainingRecipe {
  readonly optimizer:
    | {
        readonly name: 'AdamW';
        readonly arguments: {
          readonly betas: readonly [number, number];
          readonly eps: number;
          readonly weight_decay: number;
          readonly stochastic_rounding: boolean;
        };
      }
    | {
        readonly name: 'SGD';
        readonly arguments: { readonly momentum: number; readonly nesterov: boolean; readonly weight_decay: number };
      }
    | {
        readonly name: 'Muon';
        readonly arguments: {
          readonly momentum: number;
          readonly nesterov: boolean;
          readonly iterations: number;
          readonly scale: { readonly name: MuonScale };
          readonly weight_decay: number;
          readonly betas: readonly [number, number];
          readonly eps: number;
          readonly stochastic_rounding: boolean;
        };
      };
  readonly clip: number | null;
  readonly loss: { readonly arguments: { readonly z: number; readonly smoothing: number } };
  /** Bytes that the run may take on the device. */
  readonly memory?: { readonly value: number };
  readonly parameters: readonly {
    readonly path: string;
    /** Of its first values. */
    readonly init: Distribution;
    /** Multiples of the learning rate and of the weight decay. */
    readonly rate: number;
    readonly decay: number;
    /** By which it is updated. */
    readonly rule: RuleName;
  }[];
}

export interface OpenedTrainer {
  readonly engine: Trainer;
  readonly device: Device;
  readonly length: RunLength;
  readonly memory: MemoryPlan;
  /** See `operationsPerToken`. */
  readonly operationsPerToken: number;
  /** Frees the engine, and the device if it was opened here. */
  dispose(): void;
}

/**
 * An engine on a device with a recipe's first values, in as many parts a step as fit into its memory.
 *
 * @throws TrainingError `bad-recipe`; DeviceError, ProgramError
 */
export async function openTrainer(
  program: Program,
  sources: WgslSources,
  recipe: CompiledRecipe,
  given?: Device | GPUDevice,
): Promise<OpenedTrainer> {
  const optimizer = optimizerSettings(recipe);
  const known = new Map(recipe.parameters.map((parameter) => [parameter.path, parameter]));
  const device = given instanceof Device ? given : await openDevice(given ? { device: given } : {});
  const close = (): void => {
    if (device !== given) device.dispose();
  };
  let engine: Trainer | undefined;
  let memory: MemoryPlan | undefined;
  try {
    const planned = planRun(program, recipe, (path) => known.get(path)!.rule, device);
    memory = planned.memory;
    engine = await createTrainer(program, sources, {
      device,
      optimizer,
      ...(recipe.clip === null ? {} : { clip: recipe.clip }),
      loss: recipe.loss.arguments,
      updates: ({ path }) => known.get(path)!,
      levels: memory.levels,
      ...(recipe.optimizer.name !== 'SGD' &&
        recipe.optimizer.arguments.stochastic_rounding && { stochasticRounding: recipe.seed }),
    });
    await engine.reserve(memory.tokens, memory.sequences);
    for (const { name, shape } of engine.parameters()) {
      const count = shape.reduce((product, size) => product * size, 1);
      await engine.write(name, initialValues(known.get(name)!.init, count, recipe.seed, name));
    }
    const opened = engine;
    const dispose = (): void => {
      opened.dispose();
      close();
    };
    return { engine, device, ...planned, operationsPerToken: operationsPerToken(program, memory), dispose };
  } catch (error) {
    engine?.dispose();
    close();
    throw memory && isOutOfMemory(error) ? noRoom(memory, error) : error;
  }
}

function isOutOfMemory(error: unknown): error is DeviceError {
  return error instanceof DeviceError && error.code === 'out-of-memory';
}

function noRoom({ peak }: MemoryPlan, cause: DeviceError): DeviceError {
  return new DeviceError(
    'out-of-memory',
    `There is no room on the device for a step, which takes ${formatBytes(peak)}. With a smaller \`memory\` in the recipe more is computed twice, and a step is computed in more parts.`,
    { needed: peak, cause },
  );
}

function optimizerSettings({ optimizer }: CompiledRecipe): OptimizerSettings {
  switch (optimizer.name) {
    case 'AdamW': {
      const { betas, eps, weight_decay } = optimizer.arguments;
      return { name: 'AdamW', betas, eps, weightDecay: weight_decay };
    }
    case 'SGD': {
      const { momentum, nesterov, weight_decay } = optimizer.arguments;
      return { name: 'SGD', momentum, nesterov, weightDecay: weight_decay };
    }
    case 'Muon': {
      const { scale, weight_decay, momentum, nesterov, iterations, betas, eps } = optimizer.arguments;
      return {
        name: 'Muon',
        ...{ momentum, nesterov, iterations, betas, eps },
        scale: scale.name,
        weightDecay: weight_decay,
      };
    }
  }
}

function planRun(
  program: Program,
  recipe: CompiledRecipe,
  ruleOf: (parameter: string) => RuleName,
  device: Device,
): { readonly length: RunLength; readonly memory: MemoryPlan } {
  const length = runLength(recipe, { context: program.model.context });
  const { sequence, batch } = length;
  const request = {
    ruleOf,
    // Of a device's memory WebGPU tells no more than how large a buffer may be.
    ...(recipe.memory ? { limit: recipe.memory.value } : { activations: device.limits.maxBufferSize }),
    largestBuffer: device.limits.maxStorageBufferBindingSize,
  };
  const planned =
    recipe.accumulation === undefined
      ? planParts(program, { sequences: batch, length: sequence }, request)
      : {
          parts: length.parts,
          memory: planMemory(program, { ...request, ...largestPart(batch, length.parts, sequence) }),
        };
  const { parts, memory } = planned;
  if (!memory.fits && recipe.memory) {
    throw new TrainingError(
      'bad-recipe',
      `A step takes ${formatBytes(memory.peak)} at least, and the recipe allows ${formatBytes(recipe.memory.value)}: give more \`memory\`, or shorten \`sequence\`.`,
      { needed: memory.peak, available: recipe.memory.value },
    );
  }
  return { length: { ...length, parts }, memory };
}

function largestPart(
  batch: number,
  parts: number,
  length: number,
): { readonly sequences: number; readonly tokens: number } {
  const sequences = Math.ceil(batch / parts);
  return { sequences, tokens: sequences * length };
}

export interface TrainModelOptions extends Pick<TrainOptions, 'resume' | 'signal' | 'checkpoint'> {
  /** What to train on: texts, or texts by the name of their source. */
  readonly data: readonly DataSource[] | Readonly<Record<string, readonly DataSource[]>>;
  /** Text to evaluate on; by default the end of the data, if the recipe evaluates. */
  readonly heldOut?: readonly DataSource[];
  /** Of `loadDataTokenizer`. Default: bytes, unless the recipe names a file. */
  readonly tokenizer?: DataTokenizer;
  /** A checkpoint to begin with. Default: values that are drawn as the recipe says. A run that is resumed has its own. */
  readonly weights?: WeightSource;
  /** What to do about tensors of `weights` that the model has no place for; default: `error`. */
  readonly unexpected?: MatchOptions['unexpected'];
  /** The run's folder, for checkpoints, metrics and tokens; without it nothing outlives the run. */
  readonly files?: Files;
  /** Default: one is opened. */
  readonly device?: Device | GPUDevice;
  /** Operations a second of the device, as `measurePeak` finds them: metrics then tell the share of it that is used. */
  readonly peak?: number;
  /** While texts become tokens. */
  readonly onData?: (progress: DataProgress) => void;
  /** The engine, once it is there; it is disposed of when the run ends. */
  readonly onStart?: (opened: OpenedTrainer) => void;
}

/**
 * Trains a compiled model, and yields the metrics of each step.
 *
 * @throws as `train`, `prepareData` and `openTrainer`; TrainingError `bad-recipe` if the recipe's tokenizer is a file that was
 *   not given
 */
export async function* trainModel(
  program: Program,
  sources: WgslSources,
  recipe: CompiledRecipe,
  options: TrainModelOptions,
): AsyncGenerator<StepMetrics, void, undefined> {
  const { heldOut, files, device, signal, onData, onStart, resume, checkpoint } = options;
  const data = dataFiles(options.data);
  const tokenizer = tokenizerOf(recipe, options.tokenizer);
  const opened = await openTrainer(program, sources, recipe, device);
  try {
    if (options.weights !== undefined) {
      await loadParameters(opened.engine, program, options.weights, { signal, unexpected: options.unexpected });
    }
    onStart?.(opened);
    const prepared = await prepareData(recipe, {
      data,
      evaluation: heldOut?.map(dataOf),
      tokenizer,
      cache: files === undefined ? memoryFiles() : folderIn(files, 'tokens'),
      vocab: program.model.vocab,
      sequence: opened.length.sequence,
      signal,
      onProgress: onData,
    });
    try {
      yield* train({
        engine: opened.engine,
        recipe,
        length: opened.length,
        data: prepared,
        files,
        checkpoint: {
          map: program.checkpoint,
          ...checkpoint,
          extra: { ...tokenizer.files, ...checkpoint?.extra },
        },
        resume,
        signal,
        ...(options.peak === undefined
          ? {}
          : { work: { operationsPerToken: opened.operationsPerToken, peak: options.peak } }),
      });
    } finally {
      await prepared.close();
    }
  } finally {
    opened.dispose();
  }
}

function dataFiles(data: TrainModelOptions['data']): readonly DataFile[] | DataFiles {
  if (isList(data)) return data.map(dataOf);
  return Object.fromEntries(Object.entries(data).map(([name, sources]) => [name, sources.map(dataOf)]));
}

function isList(data: TrainModelOptions['data']): data is readonly DataSource[] {
  return Array.isArray(data);
}

function tokenizerOf({ tokenizer }: CompiledRecipe, given: DataTokenizer | undefined): DataTokenizer {
  if (given !== undefined) return given;
  if (typeof tokenizer !== 'string') return bytesAsTokens();
  throw new TrainingError(
    'bad-recipe',
    `The recipe's tokenizer is the file ${tokenizer}: give it as \`tokenizer\`, made by \`loadDataTokenizer\`.`,
  );
}
