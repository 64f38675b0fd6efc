/**
 * Every built-in function, in one table: elaboration, suggestions, completion, hover and the reference page all read it.
 * Initial values are in `initializers.ts`, and what may stand after `param x =` in `modules.ts`.
 */
import type { Builtin } from './builtin.js';
import { POINTWISE } from './pointwise.js';
import { ROPE } from './rope.js';
import { SEQUENCE } from './sequence.js';
import { TENSORS } from './tensors.js';

let table: ReadonlyMap<string, Builtin> | undefined;

/** By name. Made when first asked for: the functions' own files need elaboration, and that needs the table. */
export function builtins(): ReadonlyMap<string, Builtin> {
  table ??= new Map([...POINTWISE, ...TENSORS, ...SEQUENCE, ...ROPE].map((builtin) => [builtin.name, builtin]));
  return table;
}
