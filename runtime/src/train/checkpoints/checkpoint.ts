/**
 * Checkpoints of a run: a folder `step-000123` each, with
 * - `model.safetensors`, under the names of the model's weight map, and what else makes it a model folder;
 * - `optimizer.safetensors`: moments by parameter;
 * - `training.json`: step, place in the data, control state. It is written last and lists the other files with their
 *   sizes, so that a folder is known to be whole.
 */
import { TrainingError } from '../../errors.js';
import { readSafetensors } from '../../weights/safetensors.js';
import { readTensor } from '../../weights/read-tensor.js';
import type { CheckpointTensor } from '../../program/program.js';
import type { ByteSource } from '../../weights/types.js';
import type { DataPosition } from '../data/stream.js';
import type { EngineTensor, TrainingEngine } from '../engine.js';
import { folderIn } from '../files/folder.js';
import { readJson, writeText } from '../files/text.js';
import type { Files } from '../files/types.js';
import type { ControlState } from '../run/control.js';
import { tensorsOf } from './names.js';
import { CHECKPOINTS, STATE } from './places.js';
import { writeSafetensors } from '../../weights/write-safetensors.js';
import type { TensorToWrite } from '../../weights/write-safetensors.js';

/** What a run is, beside tensors. */
export interface RunState {
  readonly step: number;
  /** Tokens that were computed. */
  readonly tokens: number;
  /** Seconds of training. */
  readonly seconds: number;
  readonly position: DataPosition;
  readonly control: ControlState;
  /** What has to be the same for a run to be resumed, in words for people. */
  readonly identity: Readonly<Record<string, string>>;
}

export interface CheckpointOptions {
  /** Tensors of `model.safetensors`; default: the parameters under their own names. */
  readonly map?: readonly CheckpointTensor[] | undefined;
  /** Small files beside the tensors, such as `config.json` and `tokenizer.json`. */
  readonly extra?: Readonly<Record<string, string>> | undefined;
}

const FORMAT = 2;
const MODEL = 'model.safetensors';
const OPTIMIZER = 'optimizer.safetensors';
const NAME = /^step-(\d{6,})$/;

/** The folder of a step's checkpoint. */
export function checkpointName(step: number): string {
  return `step-${String(step).padStart(6, '0')}`;
}

/** Sizes of the files of a checkpoint. */
type FileSizes = Readonly<Record<string, number>>;

/**
 * Writes a checkpoint to the side and moves it to its place.
 *
 * @returns the folder's name
 * @throws TrainingError `storage-full`, `storage-failed`; nothing is left of it then, and earlier ones are untouched
 */
export async function writeCheckpoint(
  files: Files,
  engine: Pick<TrainingEngine, 'parameters' | 'moments'>,
  state: RunState,
  { map, extra = {} }: CheckpointOptions = {},
): Promise<string> {
  const name = checkpointName(state.step);
  const beside = `${name}.partial`;
  await files.remove(beside);
  try {
    const sizes: Record<string, number> = {};
    // The mark of transformers: it refuses files that do not say how their tensors are meant.
    sizes[MODEL] = await writeTensors(files, `${beside}/${MODEL}`, tensorsOf(engine.parameters(), map), {
      format: 'pt',
    });
    const moments = tensorsOf(engine.moments(), undefined);
    sizes[OPTIMIZER] = await writeTensors(files, `${beside}/${OPTIMIZER}`, moments, {});
    for (const [file, text] of Object.entries(extra)) {
      await writeText(files, `${beside}/${file}`, text);
      sizes[file] = new TextEncoder().encode(text).byteLength;
    }
    await writeText(
      files,
      `${beside}/${STATE}`,
      `${JSON.stringify({ format: FORMAT, ...state, files: sizes }, null, 2)}\n`,
    );
    // The same step may have been written before, by a run that went back.
    await removeCheckpoint(files, name);
    await files.move(beside, name);
    return name;
  } catch (error) {
    await files.remove(beside).catch(() => undefined);
    throw error;
  }
}

async function writeTensors(
  files: Files,
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>>,
): Promise<number> {
  const writer = await files.create(path);
  let bytes = 0;
  try {
    for await (const chunk of writeSafetensors(tensors, metadata)) {
      await writer.write(chunk);
      bytes += chunk.byteLength;
    }
  } catch (error) {
    await writer.abort();
    throw error;
  }
  await writer.close();
  return bytes;
}

export interface FoundCheckpoint {
  readonly name: string;
  readonly state: RunState;
}

/** The newest whole checkpoint. */
export async function lastCheckpoint(files: Files): Promise<FoundCheckpoint | undefined> {
  for (const name of (await checkpointNames(files)).reverse()) {
    const state = await readState(files, name);
    if (state !== undefined) return { name, state };
  }
  return undefined;
}

/**
 * The weights of a run's newest whole checkpoint, for `load`.
 *
 * @param files the run's folder
 * @throws TrainingError `bad-run` if there is none
 */
export async function lastWeights(files: Files, folder = CHECKPOINTS): Promise<ByteSource> {
  const checkpoints = folderIn(files, folder);
  const found = await lastCheckpoint(checkpoints);
  if (found === undefined) throw new TrainingError('bad-run', `${checkpoints.name} holds no whole checkpoint.`);
  return checkpoints.open(`${found.name}/${MODEL}`);
}

/**
 * Removes all but the last ones, and what unfinished writing has left. Only whole ones count as kept: a damaged one of a later
 * step, from before the run began anew, costs none.
 */
export async function tidyCheckpoints(files: Files, keep: number): Promise<void> {
  for (const { name, kind } of await files.list('')) {
    if (kind === 'folder' && /^step-\d{6,}\.partial$/.test(name)) await files.remove(name);
  }
  let kept = 0;
  for (const name of (await checkpointNames(files)).reverse()) {
    if (kept >= keep) await removeCheckpoint(files, name);
    else if ((await readState(files, name).catch(() => undefined)) !== undefined) kept++;
  }
}

/** Without its state a folder is no checkpoint, so that goes first. */
async function removeCheckpoint(files: Files, name: string): Promise<void> {
  await files.remove(`${name}/${STATE}`);
  await files.remove(name);
}

/** By step. */
async function checkpointNames(files: Files): Promise<string[]> {
  const entries = await files.list('');
  const step = (name: string): number => Number(NAME.exec(name)![1]);
  return entries
    .flatMap(({ name, kind }) => (kind === 'folder' && NAME.test(name) ? [name] : []))
    .sort((a, b) => step(a) - step(b));
}

/** Of a whole checkpoint. */
async function readState(files: Files, name: string): Promise<RunState | undefined> {
  if (!(await files.exists(`${name}/${STATE}`))) return undefined;
  const value = (await readJson(files, `${name}/${STATE}`).catch(() => undefined)) as
    (RunState & { readonly format?: number; readonly files?: FileSizes }) | undefined;
  if (value?.files === undefined || !Number.isSafeInteger(value.step)) return undefined;
  if (value.format !== FORMAT) {
    throw new TrainingError('bad-run', `${files.name}/${name} was written by another version of Hyb.`);
  }
  for (const [file, size] of Object.entries(value.files)) {
    const source = await files.open(`${name}/${file}`).catch(() => undefined);
    await source?.close?.();
    if (source?.size !== size) return undefined;
  }
  const { step, tokens, seconds, position, control, identity } = value;
  return { step, tokens, seconds, position, control, identity };
}

/**
 * Gives an engine the weights and moments of a checkpoint.
 *
 * @throws TrainingError `bad-run` if it does not hold what the engine needs; WeightsError if it is damaged
 */
export async function readCheckpoint(
  files: Files,
  name: string,
  engine: TrainingEngine,
  map: readonly CheckpointTensor[] | undefined,
): Promise<void> {
  const parameters = engine.parameters();
  const whole = map ?? parameters.map((parameter) => ({ ...parameter, parts: [parameter.name] }));
  await readInto(files, `${name}/${MODEL}`, engine, parameters, whole);
  const moments = engine.moments();
  const own = moments.map((moment) => ({ ...moment, parts: [moment.name] }));
  await readInto(files, `${name}/${OPTIMIZER}`, engine, moments, own);
}

async function readInto(
  files: Files,
  path: string,
  engine: TrainingEngine,
  wanted: readonly EngineTensor[],
  tensors: readonly Pick<CheckpointTensor, 'name' | 'parts'>[],
): Promise<void> {
  const sizes = new Map(wanted.map(({ name, shape }) => [name, shape.reduce((count, size) => count * size, 1)]));
  const missing = new Set(sizes.keys());
  const source = await files.open(path);
  try {
    const found = await readSafetensors(source);
    for (const { name, parts } of tensors) {
      const entry = found.tensors.get(name);
      if (entry === undefined) continue;
      const values = await readTensor(entry);
      let at = 0;
      for (const part of parts) {
        const size = sizes.get(part) ?? 0;
        if (values.length < at + size || !(values instanceof Float32Array)) {
          throw new TrainingError('bad-run', `${source.name} has another shape or type for ${name} than this model.`);
        }
        await engine.write(part, values.slice(at, at + size));
        missing.delete(part);
        at += size;
      }
    }
  } finally {
    await source.close?.();
  }
  if (missing.size > 0) {
    throw new TrainingError(
      'bad-run',
      `${source.name} lacks ${[...missing].slice(0, 4).join(', ')}${missing.size > 4 ? ', …' : ''}: it is of another model or recipe.`,
      { items: [...missing] },
    );
  }
}
