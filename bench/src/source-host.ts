import { readFileSync } from 'node:fs';

/** Source files by their path below a folder that ends in a slash. */
export function sourcesIn(root: string): { readonly read: (path: string) => string | undefined } {
  return {
    read: (path) => {
      try {
        return readFileSync(`${root}${path}`, 'utf8');
      } catch {
        return undefined;
      }
    },
  };
}
