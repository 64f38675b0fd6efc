/** Whole small files. */
import { TrainingError } from '../../errors.js';
import { messageOf } from '../../messages.js';
import type { Files } from './types.js';

const LARGEST = 2 ** 30;

export async function readText(files: Files, path: string): Promise<string> {
  const source = await files.open(path);
  try {
    if (source.size > LARGEST) throw new TrainingError('storage-failed', `${source.name} is too large.`);
    return new TextDecoder('utf-8', { fatal: true }).decode(await source.read(0, source.size));
  } finally {
    await source.close?.();
  }
}

/** @throws TrainingError `storage-failed` if it is no JSON */
export async function readJson(files: Files, path: string): Promise<unknown> {
  const text = await readText(files, path);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new TrainingError('storage-failed', `${files.name}/${path} is damaged: ${messageOf(cause)}`, { cause });
  }
}

export async function writeText(files: Files, path: string, text: string): Promise<void> {
  const writer = await files.create(path);
  try {
    await writer.write(new TextEncoder().encode(text));
  } catch (error) {
    await writer.abort();
    throw error;
  }
  await writer.close();
}

/** Writes beside the old file and then takes its place, so that one of the two is always there. */
export async function replaceText(files: Files, path: string, text: string): Promise<void> {
  const beside = `${path}.new`;
  await writeText(files, beside, text);
  await files.move(beside, path);
}
