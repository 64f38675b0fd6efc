/** Paths of a project: relative to its root, `/` between parts, no `.` or `..` left in them. */

export type JoinedPath =
  | { readonly kind: 'inside'; readonly path: string }
  /** The path leads out of the project's root. */
  | { readonly kind: 'outside' }
  /** Not a relative path to a `.hyb` file; `reason` completes "The path …". */
  | { readonly kind: 'malformed'; readonly reason: string };

/** Resolves what `use "…"` says in the file `from`. Nothing is looked up. */
export function joinPath(from: string, written: string): JoinedPath {
  if (written === '') return { kind: 'malformed', reason: 'is empty' };
  if (/[\u0000-\u001f\u007f]/.test(written)) return { kind: 'malformed', reason: 'has control characters' };
  if (written.includes('\\')) return { kind: 'malformed', reason: 'has a backslash; parts stand between /' };
  if (/^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(written))
    return { kind: 'malformed', reason: 'is an address; files are read from the project only' };
  if (written.startsWith('/')) return { kind: 'malformed', reason: 'is absolute; write it relative to this file' };
  if (!written.endsWith('.hyb')) return { kind: 'malformed', reason: 'does not end in .hyb' };
  const parts = from.split('/').slice(0, -1);
  for (const part of written.split('/')) {
    if (part === '..') {
      if (parts.length === 0) return { kind: 'outside' };
      parts.pop();
    } else if (part === '') {
      return { kind: 'malformed', reason: 'has an empty part' };
    } else if (part !== '.') {
      parts.push(part);
    }
  }
  return { kind: 'inside', path: parts.join('/') };
}

/** How a file of the project is written in a `use` of the file `from`. */
export function relativePath(from: string, to: string): string {
  const source = from.split('/').slice(0, -1);
  const target = to.split('/');
  let common = 0;
  while (common < source.length && common < target.length - 1 && source[common] === target[common]) common++;
  const up = source.slice(common).map(() => '..');
  const rest = [...up, ...target.slice(common)].join('/');
  return up.length === 0 ? `./${rest}` : rest;
}
