/** Files that only the server has: those of the library, and the pages that explain findings. */
import { catalogue, errorPage } from '@hyb/compiler';
import { parseLibraryFile } from '@hyb/compiler/sources/library';
import { DOCS_SCHEME, isLibraryUri, pathOf } from '../workspace/addresses.js';

export function virtualFile(uri: string): string | undefined {
  if (isLibraryUri(uri)) {
    const path = pathOf(uri, '');
    return path === undefined ? undefined : parseLibraryFile(path)?.text;
  }
  const code = new RegExp(`^${DOCS_SCHEME}:/*errors/(HYB\\d{4})\\.md$`).exec(uri)?.[1];
  const entry = code === undefined ? undefined : catalogue.get(code);
  return entry === undefined ? undefined : errorPage(code!, entry);
}
