/** The compiler's paths and the editor's URIs. */
import { isLibraryPath } from '@hyb/compiler/sources/library';

export const LIBRARY_SCHEME = 'hyb-std';
export const DOCS_SCHEME = 'hyb-docs';

const LIBRARY_PATH = 'hyb:std/';

/**
 * One spelling of a URI, which the server compares by: editors differ in the characters that they write as `%27`. What an editor
 * is told has its own spelling: see `Root.uriOf`.
 */
export function canonical(uri: string): string {
  const [, start = '', path = '', rest = ''] = /^([a-z][a-z0-9+.-]*:(?:\/\/[^/?#]*)?)?([^?#]*)(.*)$/is.exec(uri) ?? [];
  return start + path.split('/').map(recoded).join('/') + rest;
}

function recoded(segment: string): string {
  try {
    return encodeURIComponent(decodeURIComponent(segment));
  } catch {
    return segment;
  }
}

/** URI of a project's file, or of one of the library, which editors show read-only. */
export function uriOf(path: string, root: string): string {
  if (isLibraryPath(path)) return `${LIBRARY_SCHEME}:/${path.slice(LIBRARY_PATH.length)}`;
  return root + path.split('/').map(encodeURIComponent).join('/');
}

/** Path in a project; undefined where the URI is outside of its root. */
export function pathOf(uri: string, root: string): string | undefined {
  if (uri.startsWith(`${LIBRARY_SCHEME}:`))
    return LIBRARY_PATH + uri.slice(LIBRARY_SCHEME.length + 1).replace(/^\/+/, '');
  if (!uri.startsWith(root)) return undefined;
  try {
    return uri.slice(root.length).split('/').map(decodeURIComponent).join('/');
  } catch {
    return undefined;
  }
}

export function isLibraryUri(uri: string): boolean {
  return uri.startsWith(`${LIBRARY_SCHEME}:`);
}

/** The page that explains a code. */
export function errorPageUri(code: string): string {
  return `${DOCS_SCHEME}:/errors/${code}.md`;
}
