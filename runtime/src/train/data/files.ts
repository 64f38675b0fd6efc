/** The files that a source of text is made of. */
import { TrainingError } from '../../errors.js';
import { openFile } from '../../weights/sources/open.js';
import type { ByteSource, FileSource } from '../../weights/types.js';
import type { FileState, Files } from '../files/types.js';

/** A file with text: plain, or JSON lines, and either may be gzipped. */
export interface DataFile {
  /** Its end says what it is: `.jsonl` and `.ndjson` are JSON lines, a further `.gz` is gzipped, all else is text. */
  readonly name: string;
  open(): Promise<ByteSource>;
  /** Tells whether the file is still the same without reading it; absent where nothing can. */
  state?(): Promise<FileState>;
}

/** Texts by the name of their source, such as `{ web: [...], code: [...] }`. */
export type DataFiles = Readonly<Record<string, readonly DataFile[]>>;

/** A text: a `DataFile`, or a File or Blob as pages have them. A Blob without a name is plain text. */
export type DataSource = DataFile | Blob;

export function dataOf(source: DataSource): DataFile {
  return source instanceof Blob ? dataFile((source as { name?: string }).name ?? 'text.txt', source) : source;
}

/** A file from a URL, a Blob, bytes or, where there are files, a path. */
export function dataFile(name: string, source: FileSource): DataFile {
  return { name, open: () => openFile(source, undefined) };
}

/** A text that is in memory. */
export function dataText(text: string, name = 'text.txt'): DataFile {
  return dataFile(name, new TextEncoder().encode(text));
}

export type DataFormat = 'text' | 'jsonl';

const TEXT = /\.(txt|text|md)$/i;
const LINES = /\.(jsonl|ndjson)$/i;
const GZIP = /\.gz$/i;

export function formatOf(name: string): { readonly format: DataFormat; readonly gzip: boolean } {
  const gzip = GZIP.test(name);
  const inner = name.replace(GZIP, '');
  return { format: LINES.test(inner) ? 'jsonl' : 'text', gzip };
}

/**
 * The files at a path: one file, or all `.txt`, `.text`, `.md`, `.jsonl` and `.ndjson` of a folder and the folders in it,
 * gzipped or not, in the order of their paths. Hidden files are left out.
 *
 * @param path relative to `files`; '' is all of it
 * @throws TrainingError `bad-data` if there are none
 */
export async function filesAt(files: Files, path: string): Promise<readonly DataFile[]> {
  const found: DataFile[] = [];
  const visit = async (folder: string): Promise<void> => {
    for (const { name, kind } of await files.list(folder)) {
      if (name.startsWith('.')) continue;
      const inner = folder === '' ? name : `${folder}/${name}`;
      if (kind === 'folder') await visit(inner);
      else if (isData(name)) found.push(fileIn(files, inner));
    }
  };
  if (path !== '' && (await isFile(files, path))) return [fileIn(files, path)];
  await visit(path);
  if (found.length === 0) {
    const place = [files.name, path].filter((part) => part !== '').join('/');
    const problem = (await files.exists(path)) ? 'holds no text' : 'does not exist';
    throw new TrainingError(
      'bad-data',
      `${place} ${problem}: .txt, .text, .md, .jsonl or .ndjson files are wanted, which may be gzipped (.gz).`,
    );
  }
  return found;
}

function fileIn(files: Files, path: string): DataFile {
  const open = (): Promise<ByteSource> => files.open(path);
  return files.state === undefined ? { name: path, open } : { name: path, open, state: () => files.state!(path) };
}

function isData(name: string): boolean {
  const inner = name.replace(GZIP, '');
  return TEXT.test(inner) || LINES.test(inner);
}

async function isFile(files: Files, path: string): Promise<boolean> {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  const entries = await files.list(parts.slice(0, -1).join('/'));
  return entries.some(({ name, kind }) => name === parts.at(-1) && kind === 'file');
}
