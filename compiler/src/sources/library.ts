import { parse } from '@hyb/grammar';
import type { Diagnostic, SourceFile } from '@hyb/grammar';
import { library } from '../std/library.generated.js';

/**
 * The standard library: `.hyb` files that come with the compiler. Their paths begin with `hyb:`, which no path of a
 * project can.
 */
const PREFIX = 'hyb:std/';

interface ParsedLibraryFile {
  readonly text: string;
  readonly syntax: SourceFile;
  readonly diagnostics: readonly Diagnostic[];
}

/** Parsed once a process: the texts are constants. */
const parsed = new Map<string, ParsedLibraryFile>();

export function isLibraryPath(path: string): boolean {
  return path.startsWith(PREFIX);
}

/** Names of the library's files without `.hyb`: what may follow `std.`. */
export function libraryFiles(): readonly string[] {
  return Object.keys(library).map((name) => name.replace(/\.hyb$/, ''));
}

/** Names that the library, or one file of it, declares. */
export function libraryNames(part?: string): readonly string[] {
  return Object.entries(library).flatMap(([file, { names }]) =>
    part === undefined || file === `${part}.hyb` ? names : [],
  );
}

/** Path of the file that declares a name; undefined: none does. */
export function libraryPathOf(name: string, part?: string): string | undefined {
  const found = Object.entries(library).find(
    ([file, { names }]) => (part === undefined || file === `${part}.hyb`) && names.includes(name),
  );
  return found === undefined ? undefined : PREFIX + found[0];
}

export function parseLibraryFile(path: string): ParsedLibraryFile | undefined {
  const known = parsed.get(path);
  if (known !== undefined) return known;
  const file = Object.hasOwn(library, path.slice(PREFIX.length)) ? library[path.slice(PREFIX.length)] : undefined;
  if (file === undefined) return undefined;
  const { file: syntax, diagnostics } = parse(file.text, path);
  const result = { text: file.text, syntax, diagnostics };
  parsed.set(path, result);
  return result;
}
