/** A Hugging Face folder on disk: its configuration, and what its checkpoint calls the tensors. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { HuggingFaceConfig, ImportedModel } from '@hyb/compiler';
import { importConfig, parseConfig } from '@hyb/compiler';
import type { Diagnostic } from '@hyb/grammar';
import type { TensorEntry } from '@hyb/runtime';
import type { SourceTexts } from '../report/diagnostics.js';
import { CliError } from '../terminal/errors.js';
import { readHybFolder } from './hyb-folder.js';
import type { HybFolder } from './hyb-folder.js';

const LARGEST_CONFIG = 16 * 1024 * 1024;
const CHECKPOINTS = ['model.safetensors', 'model.safetensors.index.json'];

export interface ImportedFolder {
  /** Absent if there are errors. */
  readonly model?: ImportedModel;
  readonly config?: HuggingFaceConfig;
  readonly diagnostics: readonly Diagnostic[];
  readonly texts: SourceTexts;
  /** Of the checkpoint's headers; absent if there is none in the folder. */
  readonly tensors?: ReadonlyMap<string, TensorEntry>;
}

/**
 * @param name the folder as the user named it
 * @throws CliError if there is no config.json; WeightsError if the checkpoint is damaged
 */
export async function importFolder(folder: string, name: string, modelName?: string): Promise<ImportedFolder> {
  const text = readConfig(folder, name);
  const file = join(name, 'config.json');
  const { config, diagnostics } = parseConfig(text, file);
  const texts: SourceTexts = (asked) => (asked === file ? text : undefined);
  if (config === undefined) return { diagnostics, texts };
  const tensors = await readTensors(folder);
  const model = importConfig(config, {
    name: modelName ?? basename(folder),
    ...(tensors === undefined ? {} : { tensors: tensors.keys() }),
  });
  return { model, config, diagnostics, texts, ...(tensors === undefined ? {} : { tensors }) };
}

/** The folder of a model of the user's own blocks; undefined if it is a Hugging Face folder. */
export function openHybFolder(folder: string, name: string): HybFolder | undefined {
  return readHybFolder(folder, name, readConfig(folder, name));
}

function readConfig(folder: string, name: string): string {
  const path = join(folder, 'config.json');
  if (!existsSync(path)) {
    throw new CliError(`${name} has no config.json.`, 'A Hugging Face folder has one, beside its safetensors files.');
  }
  if (statSync(path).size > LARGEST_CONFIG) throw new CliError(`${join(name, 'config.json')} is too large to be one.`);
  return readFileSync(path, 'utf8');
}

export function hasCheckpoint(folder: string): boolean {
  return CHECKPOINTS.some((file) => existsSync(join(folder, file)));
}

async function readTensors(folder: string): Promise<ReadonlyMap<string, TensorEntry> | undefined> {
  if (!hasCheckpoint(folder)) return undefined;
  const { openCheckpoint } = await import('@hyb/runtime');
  const checkpoint = await openCheckpoint(folder);
  await checkpoint.close();
  return checkpoint.tensors;
}
