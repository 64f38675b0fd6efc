/**
 * What a field of a recipe may hold, as data: the table in `fields.ts` is written with these, values are checked against
 * them, and the types of a recipe follow from them.
 */
import type { Initializer } from '../graph/graph.js';
import type { PrecisionSelector } from '../model/model.js';
import type { Dimension } from '../resolve/value.js';

export type Spec =
  /** A number within bounds. */
  | {
      readonly kind: 'number';
      readonly integer?: boolean;
      readonly above?: number;
      readonly min?: number;
      readonly max?: number;
      readonly below?: number;
    }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'string' }
  /** A number of one of several units; a bare number counts as `plain`. Steps, tokens, sequences and bytes are whole. */
  | {
      readonly kind: 'quantity';
      readonly units: readonly Dimension[];
      readonly plain?: Dimension;
      readonly min?: number;
    }
  /** A tuple of a fixed length. */
  | { readonly kind: 'pair'; readonly of: Spec }
  /** One value, or a tuple of any length. */
  | { readonly kind: 'list'; readonly of: Spec }
  /** One of several names, each with arguments: `AdamW(betas = (0.9, 0.95))`, `cosine`. */
  | { readonly kind: 'choice'; readonly of: readonly Choice[] }
  /** `none`, or what `of` says. */
  | { readonly kind: 'optional'; readonly of: Spec }
  /** `{ every = 100 steps, keep = 3 }` */
  | { readonly kind: 'record'; readonly fields: Readonly<Record<string, FieldSpec>> }
  /** `{ web = …, code = … }`: names of one's own. */
  | { readonly kind: 'named'; readonly of: Spec }
  /** `{ M.A_log = …, embedding = … }`: the keys are selectors as in `precision`. */
  | { readonly kind: 'selected'; readonly of: Spec }
  /** `normal(0.014)`, `log(uniform(1, 16))` */
  | { readonly kind: 'initializer' }
  /** Any of several, the first that fits. */
  | { readonly kind: 'any'; readonly of: readonly Spec[]; readonly expected: string };

export interface FieldSpec {
  readonly spec: Spec;
  readonly doc: string;
  /** As it would be written; for documentation, hover and completion. */
  readonly example?: string;
  /** Without a default, and not `required`, the field may be absent. */
  readonly default?: unknown;
  readonly required?: boolean;
}

export interface Choice {
  readonly name: string;
  readonly doc: string;
  /** Arguments, by name or in this order. */
  readonly parameters: Readonly<Record<string, FieldSpec>>;
}

export interface QuantityValue<D extends Dimension = Dimension> {
  readonly value: number;
  readonly unit: D;
}

export interface SelectedValue<T> {
  readonly selector: PrecisionSelector;
  readonly value: T;
}

type RecordValue<F extends Readonly<Record<string, FieldSpec>>> = {
  readonly [
    K in keyof F as F[K] extends { readonly default: unknown } | { readonly required: true } ? K : never
  ]: ValueOf<F[K]['spec']>;
} & {
  readonly [
    K in keyof F as F[K] extends { readonly default: unknown } | { readonly required: true } ? never : K
  ]?: ValueOf<F[K]['spec']>;
};

type ChoiceValue<C extends Choice> = C extends Choice
  ? { readonly name: C['name']; readonly arguments: RecordValue<C['parameters']> }
  : never;

/** The type of a field's value. */
export type ValueOf<S extends Spec> = S extends { readonly kind: 'number' }
  ? number
  : S extends { readonly kind: 'boolean' }
    ? boolean
    : S extends { readonly kind: 'string' }
      ? string
      : S extends { readonly kind: 'quantity'; readonly units: readonly (infer D extends Dimension)[] }
        ? QuantityValue<D>
        : S extends { readonly kind: 'pair'; readonly of: infer T extends Spec }
          ? readonly [ValueOf<T>, ValueOf<T>]
          : S extends { readonly kind: 'list'; readonly of: infer T extends Spec }
            ? readonly ValueOf<T>[]
            : S extends { readonly kind: 'choice'; readonly of: readonly (infer C extends Choice)[] }
              ? ChoiceValue<C>
              : S extends { readonly kind: 'optional'; readonly of: infer T extends Spec }
                ? ValueOf<T> | null
                : S extends {
                      readonly kind: 'record';
                      readonly fields: infer F extends Readonly<Record<string, FieldSpec>>;
                    }
                  ? RecordValue<F>
                  : S extends { readonly kind: 'named'; readonly of: infer T extends Spec }
                    ? Readonly<Record<string, ValueOf<T>>>
                    : S extends { readonly kind: 'selected'; readonly of: infer T extends Spec }
                      ? readonly SelectedValue<ValueOf<T>>[]
                      : S extends { readonly kind: 'initializer' }
                        ? Initializer
                        : S extends { readonly kind: 'any'; readonly of: readonly (infer T extends Spec)[] }
                          ? ValueOf<T>
                          : never;

/** The values of a table of fields. */
export type FieldValues<F extends Readonly<Record<string, FieldSpec>>> = RecordValue<F>;
