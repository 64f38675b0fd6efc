import { listItems, WeightsError } from '../errors.js';
import { messageOf } from '../messages.js';
import { readSafetensors, type SafetensorsFile, type TensorEntry } from './safetensors.js';
import { fileSystem } from './sources/file.js';
import { isBuffer, isUrl, openFile } from './sources/open.js';
import type { ByteSource, FileSource, WeightSource } from './types.js';

/** All tensors of one or more safetensors files. */
export interface Checkpoint {
  readonly files: readonly SafetensorsFile[];
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  close(): Promise<void>;
}

const INDEX = /\.index\.json$/;
const SINGLE = 'model.safetensors';
const MAX_INDEX = 100_000_000;

/** A file of a checkpoint that is not opened yet: most indexes name dozens. */
interface Candidate {
  readonly name: string;
  open(): Promise<ByteSource>;
}

/**
 * Opens a checkpoint and reads the headers of all its files; no data yet.
 *
 * @throws WeightsError `source-failed`, `bad-checkpoint`
 */
export async function openCheckpoint(source: WeightSource, signal?: AbortSignal): Promise<Checkpoint> {
  const opened: ByteSource[] = [];
  const open = async (candidate: Candidate): Promise<ByteSource> => {
    const file = await candidate.open();
    opened.push(file);
    return file;
  };
  const close = async (): Promise<void> => {
    for (const file of opened) await file.close?.();
  };
  try {
    const { index, shards } = await locate(source, signal);
    const weightMap = index && parseIndex(await readAll(await open(index), signal), index.name);
    const wanted = weightMap ? new Set(weightMap.values()) : undefined;
    const files: SafetensorsFile[] = [];
    const byName = new Map<string, SafetensorsFile>();
    for (const shard of wanted ? pick(wanted, shards, index!.name) : shards([])) {
      const file = await readSafetensors(await open(shard), signal);
      files.push(file);
      byName.set(shard.name, file);
    }
    const tensors = merge(files);
    if (weightMap) checkIndex(weightMap, byName, tensors, index!.name);
    return { files, tensors, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Finds the index, if there is one, and a way to the shards: those named, or all without names. */
async function locate(
  source: WeightSource,
  signal: AbortSignal | undefined,
): Promise<{ index?: Candidate; shards: (names: readonly string[]) => Candidate[] }> {
  if (isSingle(source)) {
    if (typeof source !== 'string' && !(source instanceof URL)) {
      return { shards: () => [{ name: SINGLE, open: () => openFile(source, signal) }] };
    }
    const address = await resolveFolder(source, signal);
    const candidate: Candidate = { name: basename(address), open: () => openFile(address, signal) };
    if (!INDEX.test(pathOf(address))) return { shards: () => [candidate] };
    const shards = (names: readonly string[]): Candidate[] =>
      names.map((name) => ({ name, open: () => openFile(sibling(address, name), signal) }));
    return { index: candidate, shards };
  }
  const entries: [string, FileSource][] = Array.isArray(source)
    ? (source as readonly FileSource[]).map((file, i) => [nameOf(file) ?? `file ${i + 1}`, file])
    : Object.entries(source as Readonly<Record<string, FileSource>>);
  const candidates = entries.map(([name, file]) => ({ name, open: () => openFile(file, signal) }));
  const index = candidates.find(({ name }) => INDEX.test(name));
  const files = candidates.filter((candidate) => candidate !== index);
  return { ...(index ? { index } : {}), shards: () => files };
}

function pick(
  wanted: ReadonlySet<string>,
  shards: (names: readonly string[]) => Candidate[],
  index: string,
): Candidate[] {
  const found = shards([...wanted]).filter(({ name }) => wanted.has(name));
  const names = new Set(found.map(({ name }) => name));
  const missing = [...wanted].filter((name) => !names.has(name));
  if (missing.length > 0) {
    throw new WeightsError('bad-checkpoint', `${index} names files that were not given:${listItems(missing)}`, {
      items: missing,
    });
  }
  return found;
}

function merge(files: readonly SafetensorsFile[]): Map<string, TensorEntry> {
  const tensors = new Map<string, TensorEntry>();
  const twice: string[] = [];
  for (const file of files) {
    for (const [name, entry] of file.tensors) {
      const other = tensors.get(name);
      if (other) twice.push(`${name} (${other.source.name}, ${entry.source.name})`);
      tensors.set(name, entry);
    }
  }
  if (twice.length > 0) {
    throw new WeightsError('bad-checkpoint', `Tensors are in more than one file:${listItems(twice)}`, { items: twice });
  }
  return tensors;
}

/** Tensor names to file names. */
function parseIndex(bytes: Uint8Array, name: string): Map<string, string> {
  const fail = (problem: string): never => {
    throw new WeightsError('bad-checkpoint', `${name} is not a valid index: ${problem}.`);
  };
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    return fail(messageOf(error));
  }
  const map = (json as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) return fail('there is no object `weight_map`');
  const result = new Map<string, string>();
  for (const [tensor, file] of Object.entries(map)) {
    // Shards lie beside the index: a name that leads elsewhere is a mistake or an attack.
    if (typeof file !== 'string' || !/^[^/\\:?#]+\.safetensors$/.test(file) || file.startsWith('..')) {
      return fail(`${JSON.stringify(tensor)} is said to be in ${JSON.stringify(file)}, which is no name of a shard`);
    }
    result.set(tensor, file);
  }
  return result;
}

function checkIndex(
  weightMap: ReadonlyMap<string, string>,
  files: ReadonlyMap<string, SafetensorsFile>,
  tensors: ReadonlyMap<string, TensorEntry>,
  index: string,
): void {
  const wrong: string[] = [];
  for (const [tensor, file] of weightMap) {
    if (!files.get(file)!.tensors.has(tensor)) wrong.push(`${tensor}: not in ${file}`);
  }
  for (const name of tensors.keys()) if (!weightMap.has(name)) wrong.push(`${name}: not in the index`);
  if (wrong.length === 0) return;
  throw new WeightsError('bad-checkpoint', `${index} and the files beside it disagree:${listItems(wrong)}`, {
    items: wrong,
  });
}

async function readAll(source: ByteSource, signal: AbortSignal | undefined): Promise<Uint8Array> {
  if (source.size > MAX_INDEX) throw new WeightsError('bad-checkpoint', `${source.name} is too large for an index.`);
  return source.read(0, source.size, { signal });
}

function isSingle(source: WeightSource): source is FileSource {
  return (
    typeof source === 'string' ||
    source instanceof URL ||
    source instanceof Blob ||
    isBuffer(source) ||
    typeof (source as Partial<ByteSource>).read === 'function'
  );
}

function nameOf(file: FileSource): string | undefined {
  if (typeof file === 'string' || file instanceof URL) return basename(file);
  if (isBuffer(file)) return undefined;
  return (file as { name?: string }).name;
}

function pathOf(address: string | URL): string {
  return isUrl(address) ? new URL(address).pathname : String(address);
}

function basename(address: string | URL): string {
  return pathOf(address).split(/[/\\]/).at(-1)!;
}

function sibling(address: string | URL, name: string): string | URL {
  if (!isUrl(address)) return String(address).replace(/[^/\\]*$/, () => name);
  // The query stays: it may hold a signature that is good for the folder.
  const url = new URL(address);
  url.pathname = url.pathname.replace(/[^/]*$/, () => encodeURIComponent(name));
  return url;
}

/** A folder's single file or index; other addresses as they are. */
async function resolveFolder(address: string | URL, signal: AbortSignal | undefined): Promise<string | URL> {
  if (isUrl(address) && new URL(address).protocol !== 'file:') {
    if (!pathOf(address).endsWith('/') || /^(blob|data):/.test(String(address))) return address;
    const single = sibling(address, SINGLE);
    const index = sibling(address, `${SINGLE}.index.json`);
    return (await canOpen(single, signal)) ? single : index;
  }
  const path = isUrl(address) ? new URL(address) : String(address);
  const files = await fileSystem();
  const status = await files.stat(path).catch((cause: unknown) => {
    throw new WeightsError('source-failed', `${String(address)} cannot be read: ${messageOf(cause)}`, { cause });
  });
  if (!status.isDirectory()) return path;
  const inside = (name: string): string | URL =>
    path instanceof URL ? new URL(name, path.href.endsWith('/') ? path : `${path.href}/`) : `${path}/${name}`;
  for (const name of [SINGLE, `${SINGLE}.index.json`]) {
    if (
      await files.stat(inside(name)).then(
        () => true,
        () => false,
      )
    )
      return inside(name);
  }
  throw new WeightsError('source-failed', `${String(address)} holds neither ${SINGLE} nor ${SINGLE}.index.json.`);
}

async function canOpen(address: string | URL, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await (await openFile(address, signal)).close?.();
    return true;
  } catch (error) {
    if (signal?.aborted) throw error;
    return false;
  }
}
