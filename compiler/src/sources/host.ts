/** Where source texts come from. The compiler itself reads no files, so that it runs in a browser. */
export interface SourceHost {
  /** Text of the file at `path`, which is relative to the project's root with `/` between parts; undefined: no such file. */
  read(path: string): string | undefined;
  /** Paths that `read` knows, for suggestions; may be left out. */
  list?(): readonly string[];
}

/** A host over texts in memory. */
export function memoryHost(texts: Readonly<Record<string, string>>): SourceHost {
  const files = new Map(Object.entries(texts));
  return { read: (path) => files.get(path), list: () => [...files.keys()] };
}
