/** Bytes that can be read from any place: a file, a URL with ranges, a Blob, a buffer. */
export interface ByteSource {
  /** For messages. */
  readonly name: string;
  readonly size: number;
  /**
   * Exactly `length` bytes from `offset`; rejects if there are fewer. The result is only read, so it may be a view of
   * what the source holds anyway. `options.into` may be used for the bytes, so that streaming makes no garbage.
   */
  read(offset: number, length: number, options?: ReadOptions): Promise<Uint8Array>;
  close?(): Promise<void>;
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** At least `length` bytes. */
  readonly into?: Uint8Array | undefined;
}

/** One file of a checkpoint. Strings are URLs (`https:`, `http:`, `file:`, `blob:`, `data:`) or, where there are files, paths. */
export type FileSource = string | URL | Blob | ArrayBuffer | Uint8Array | ByteSource;

/**
 * A checkpoint:
 * - one safetensors file;
 * - a folder (path, or URL ending in `/`) with `model.safetensors` or `model.safetensors.index.json`;
 * - an index, path or URL ending in `.index.json`, with its shards beside it;
 * - shards, as an array, or by name as an object; with the index among them under its name it is checked too.
 */
export type WeightSource = FileSource | readonly FileSource[] | Readonly<Record<string, Exclude<FileSource, string>>>;

export interface LoadProgress {
  /** Bytes of the checkpoint's tensors that are on the device. */
  readonly loadedBytes: number;
  readonly totalBytes: number;
  /** The tensor that was worked on. */
  readonly tensor: string;
}
