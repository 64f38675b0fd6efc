import type { Name } from '@hyb/grammar';
import type { FileScope } from '../sources/scope.js';
import type { Value } from './value.js';

/** What a name stands for: `failed` where its own definition was wrong and has been reported. */
export type Lookup = { readonly state: 'known'; readonly value: Value } | { readonly state: 'failed' };

/** The names that an expression may use beyond those of its file. */
export interface Environment {
  readonly scope: FileScope;
  value(name: Name): Lookup | undefined;
  /** For suggestions. */
  names(): Iterable<string>;
}

/** Only what the file declares and imports. */
export function fileEnvironment(scope: FileScope): Environment {
  return { scope, value: () => undefined, names: () => [] };
}
