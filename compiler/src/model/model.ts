/** The resolved model: every name bound, every constant known, the layer pattern expanded, `with` applied. */
import type { BlockDeclaration, FunctionDeclaration, Span, WeightsDeclaration } from '@hyb/grammar';
import type { Dtype } from '../graph/types.js';

/** A compile-time value. */
export type Constant =
  | { readonly kind: 'number'; readonly value: number; readonly integer: boolean }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'tuple'; readonly elements: readonly Constant[] }
  | FunctionValue
  | NormInstance;

/** A function to apply to tensors: a built-in op or a declared `fn`, with named arguments already given. */
export interface FunctionValue {
  readonly kind: 'function';
  readonly callee: { readonly builtin: string } | { readonly declaration: FunctionDeclaration; readonly scope: Scope };
  readonly arguments: Readonly<Record<string, Constant>>;
}

/** What the names of a file mean; made by resolve, used when a declaration's body is traced. */
export interface Scope {
  readonly file: string;
  lookup(name: string): ScopeEntry | undefined;
  /** Names in scope, for suggestions and completion. */
  names(): readonly string[];
}
export type ScopeEntry =
  | { readonly kind: 'block'; readonly declaration: BlockDeclaration; readonly scope: Scope }
  | { readonly kind: 'function'; readonly declaration: FunctionDeclaration; readonly scope: Scope }
  | { readonly kind: 'model' | 'train' | 'weights'; readonly name: string };

/** A block with its arguments: `Mamba2(heads = 128, …)`. Arguments are complete (defaults filled in). */
export interface BlockInstance {
  readonly kind: 'block';
  readonly declaration: BlockDeclaration;
  readonly scope: Scope;
  readonly arguments: Readonly<Record<string, Constant>>;
  /** What fills each slot; absent: the block's own default; null: emptied by `none`. */
  readonly slots: Readonly<Record<string, NormInstance | null>>;
  readonly span: Span;
}
export interface NormInstance {
  readonly kind: 'norm';
  readonly declaration: BlockDeclaration;
  readonly scope: Scope;
  readonly arguments: Readonly<Record<string, Constant>>;
  readonly span: Span;
}

export interface Layer {
  readonly index: number;
  readonly alias: string;
  readonly block: BlockInstance;
  /** Layers of a `shared` alias have the same weights: those of the first occurrence. */
  readonly sharedWith?: number;
}

export type Role = 'weights' | 'activations' | 'accumulate' | 'state' | 'gradients' | 'optimizer';

export interface PrecisionRule {
  readonly role: Role;
  readonly selector?: PrecisionSelector;
  readonly type: Dtype;
  readonly span: Span;
}
/** From least to most specific: kind of thing, alias, parameter or slot in an alias, single layer, range of linears. */
export type PrecisionSelector =
  | { readonly kind: 'norms' | 'head' | 'embedding' | 'linears' }
  | { readonly kind: 'alias'; readonly alias: string; readonly member?: string }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'layer'; readonly start: number; readonly end: number; readonly member?: string }
  | { readonly kind: 'linear_range'; readonly start: number; readonly end: number };

export interface Model {
  readonly name: string;
  readonly doc?: string;
  readonly span: Span;
  readonly vocab: number;
  readonly width: number;
  readonly context: number;
  /** Aliases in source order. */
  readonly aliases: Readonly<Record<string, BlockInstance>>;
  readonly layers: readonly Layer[];
  readonly head: {
    readonly norm?: NormInstance;
    readonly tie: boolean;
    readonly bias: boolean;
    readonly cap?: number;
  };
  /** Multiplies embeddings (1 where not said). */
  readonly embedding: { readonly scale: number };
  readonly precision: readonly PrecisionRule[];
  /** Factor on every tensor that training rounds to 8 bits; absent: each has its own, by its largest magnitude. */
  readonly fp8Scale?: number;
  readonly weights?: {
    readonly declaration: WeightsDeclaration;
    readonly base?: WeightsDeclaration;
    /** Scope of the file in which the map is declared. */
    readonly scope: Scope;
  };
}
