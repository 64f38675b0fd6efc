/** What a built-in function is; the table of them all is in `table.ts`. */
import type { Argument, Expression, Span } from '@hyb/grammar';
import type { Constant } from '../../model/model.js';
import type { Frame } from '../elaborate/frame.js';
import type { Value } from '../elaborate/values.js';

export type BuiltinCategory = 'pointwise' | 'reduction' | 'shape' | 'sequence' | 'weights' | 'scaling';

/**
 * What an argument may be. `dimension` and `dimensions` are names of dimensions rather than values, `part` is a dimension
 * or a tuple of them, `renaming` is `old -> new`.
 */
export type ArgumentKind =
  'tensor' | 'int' | 'float' | 'string' | 'tuple' | 'function' | 'dimension' | 'dimensions' | 'part' | 'renaming';

export interface BuiltinParameter {
  readonly name: string;
  readonly kind: ArgumentKind;
  readonly doc: string;
  /** Absent: must be given. `none` stands for "not given" where the function then does without. */
  readonly default?: Constant;
  /** Takes all remaining arguments. */
  readonly rest?: boolean;
  /** For strings: what it may be. */
  readonly choices?: readonly string[];
  /** For functions: the only ones it may be; they are not names of their own elsewhere. */
  readonly of?: readonly Builtin[];
}

export interface Builtin {
  readonly name: string;
  readonly category: BuiltinCategory;
  /** As a reader would write it: `clamp(x, low, high)`. */
  readonly signature: string;
  readonly doc: string;
  /** Statements of a block whose input is `x: [time, width]`, with `width` a multiple of 4. */
  readonly example: string;
  readonly parameters: readonly BuiltinParameter[];
  /** Absent: only a value for another function's argument, such as the kinds of `scaling`. */
  readonly apply?: (call: BuiltinCall) => Value;
}

/** An argument: as written, or given to the function before as a constant. */
export interface GivenArgument {
  readonly span: Span;
  readonly expression?: Expression;
  readonly constant?: Constant;
}

/** A call whose arguments are matched with the parameters and not looked at yet. */
export interface BuiltinCall {
  readonly builtin: Builtin;
  readonly frame: Frame;
  readonly span: Span;
  readonly arguments: ReadonlyMap<string, readonly GivenArgument[]>;
  readonly written: readonly Argument[];
}
