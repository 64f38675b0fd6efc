/**
 * Every built-in function, in one table: elaboration, suggestions, completion, hover and the reference page all read it.
 * What may stand after `param x =` is in `parameters.ts`, what after `@init` in `initializers.ts`.
 */
import type { Builtin } from './builtin.js';
import { POINTWISE } from './pointwise.js';
import { ROPE } from './rope.js';
import { SEQUENCE } from './sequence.js';
import { TENSORS } from './tensors.js';

const ALL: readonly Builtin[] = [...POINTWISE, ...TENSORS, ...SEQUENCE, ...ROPE];

export const BUILTINS: ReadonlyMap<string, Builtin> = new Map(ALL.map((builtin) => [builtin.name, builtin]));
