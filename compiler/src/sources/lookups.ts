/**
 * What a computation has looked up in the scopes of files. Someone who keeps its result knows by that when it is no longer
 * current: the next time any of the lookups would find something else.
 */

/** Stands for all names of a file, which suggestions look at. */
export const EVERY_NAME = '*';

/** A lookup as one text: the file and the name. */
export type LookupKey = string;

export function lookupKey(file: string, name: string): LookupKey {
  return `${name} ${file}`;
}

export function lookupOf(key: LookupKey): { readonly file: string; readonly name: string } {
  const space = key.indexOf(' ');
  return { name: key.slice(0, space), file: key.slice(space + 1) };
}

/** Who is recording, innermost last. Computations are synchronous, so that they nest. */
const recorders: Set<LookupKey>[] = [];

/** The result of a computation, and what it looked up. */
export function recordLookups<T>(work: () => T): { readonly result: T; readonly lookups: ReadonlySet<LookupKey> } {
  const lookups = new Set<LookupKey>();
  recorders.push(lookups);
  try {
    return { result: work(), lookups };
  } finally {
    recorders.pop();
    addLookups(lookups);
  }
}

/** For those who keep the books: what they look up is not noted. */
export function unrecorded<T>(work: () => T): T {
  recorders.push(new Set());
  try {
    return work();
  } finally {
    recorders.pop();
  }
}

/** Notes lookups that an earlier computation made, whose kept result is used now. */
export function addLookups(lookups: Iterable<LookupKey>): void {
  const recorder = recorders.at(-1);
  if (recorder !== undefined) for (const each of lookups) recorder.add(each);
}

export function noteLookup(file: string, name: string): void {
  recorders.at(-1)?.add(lookupKey(file, name));
}
