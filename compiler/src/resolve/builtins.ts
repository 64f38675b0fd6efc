/**
 * The built-in functions that may be passed as values (`activation = silu`, `rope = rope(base = 10_000)`), with the
 * arguments that can be given by name. A value of kind `function` carries all of them, defaults filled in. All of it is
 * read from the one table of built-in functions.
 */
import type { Constant } from '../model/model.js';
import type { Builtin as Definition, BuiltinParameter as DefinedParameter } from '../trace/builtins/builtin.js';
import { SCALINGS } from '../trace/builtins/rope.js';
import { builtins } from '../trace/builtins/table.js';
import type { Kind } from './value.js';

export interface BuiltinParameter {
  readonly name: string;
  readonly kind: Kind;
  readonly doc: string;
  /** Absent: must be given. */
  readonly default?: Constant;
  /** For strings: what it may be. */
  readonly choices?: readonly string[];
  /** For functions: the only ones it may be; they are not names of their own elsewhere. */
  readonly of?: readonly Builtin[];
}

export interface Builtin {
  readonly name: string;
  readonly doc: string;
  readonly parameters: readonly BuiltinParameter[];
}

/** Kinds of `scaling` of rotary embeddings; each changes the frequencies, which are constants of the program. */
export const ROPE_SCALINGS: readonly Builtin[] = SCALINGS.map(asValue);

/** Functions of one tensor: what a block can apply to it. */
export const BUILTINS: ReadonlyMap<string, Builtin> = new Map(
  [...builtins().values()].filter(takesOneTensor).map((builtin) => [builtin.name, asValue(builtin)]),
);

function takesOneTensor({ parameters }: Definition): boolean {
  const needed = parameters.filter((parameter) => parameter.default === undefined);
  return needed.length === 1 && needed[0]!.kind === 'tensor';
}

function asValue({ name, doc, parameters }: Definition): Builtin {
  return { name, doc, parameters: parameters.filter((parameter) => parameter.kind !== 'tensor').map(option) };
}

function option({ kind, of, name, doc, default: fallback, choices }: DefinedParameter): BuiltinParameter {
  return {
    name,
    kind: kindOf(kind),
    doc,
    ...(fallback !== undefined && { default: fallback }),
    ...(choices !== undefined && { choices }),
    ...(of !== undefined && { of: of.map(asValue) }),
  };
}

function kindOf(kind: DefinedParameter['kind']): Kind {
  switch (kind) {
    case 'function':
      return 'fn';
    case 'int':
    case 'float':
    case 'string':
    case 'tuple':
      return kind;
    case 'tensor':
    case 'dimension':
    case 'dimensions':
    case 'part':
    case 'renaming':
      throw new Error(`${kind} is no kind of a compile-time value`);
  }
}
