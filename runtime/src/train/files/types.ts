/** Where a run keeps its files: a folder on disk, the private file system of a page's origin, or memory. */
import type { ByteSource } from '../../weights/types.js';

export interface FileEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder';
}

/** What a file system says of a file: while `state` is the same, so is the content. */
export interface FileState {
  /** Absolute. */
  readonly path: string;
  readonly size: number;
  /** Device, inode, size, and the times of the last changes of content and of anything else, in nanoseconds. */
  readonly state: string;
  /** The later of these times, in milliseconds since 1970. */
  readonly changed: number;
}

/** A file as it is written. */
export interface FileWriter {
  /** Appends. The bytes are taken before the promise resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves once the bytes would survive a loss of power. */
  close(): Promise<void>;
  /** Gives up: what was written may be gone or not. */
  abort(): Promise<void>;
}

/**
 * A folder. Paths are relative to it, with `/` between parts, and never lead out of it.
 *
 * Methods reject with a TrainingError: `storage-full` where there is no room, else `storage-failed`.
 */
export interface Files {
  /** For messages. */
  readonly name: string;
  /** Sorted by name; nothing where there is no such folder. */
  list(folder: string): Promise<readonly FileEntry[]>;
  exists(path: string): Promise<boolean>;
  open(path: string): Promise<ByteSource>;
  /** Absent where there is no such thing, as in pages, or in memory. */
  state?(path: string): Promise<FileState>;
  /** A new file in place of an old one; folders above it are made. */
  create(path: string): Promise<FileWriter>;
  /** A writer at the end of a file that may be there. */
  append(path: string): Promise<FileWriter>;
  /** Moves a file, which replaces another, or a folder to a place where nothing is. On disk: at once or not at all. */
  move(from: string, to: string): Promise<void>;
  /** With everything in it; nothing happens if it is not there. */
  remove(path: string): Promise<void>;
}
