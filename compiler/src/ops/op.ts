import type { TensorType } from '../graph/types.js';
import type { OpAttributes, OpName } from './attributes.js';
import type { NodeBuilder } from '../graph/builder.js';
import type { NodeId } from '../graph/graph.js';

/** Thrown by shape rules; the tracer turns it into a diagnostic at the place of the call. */
export class ShapeError extends Error {
  constructor(
    message: string,
    readonly detail: { readonly expected?: string; readonly found?: string; readonly input?: number } = {},
  ) {
    super(message);
  }
}

/** Row-major f64 tensor of the reference semantics; `time` has become a number. */
export interface Reference {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** One sequence's run of tokens on the flat axis; `position` is the position of the first of them. */
export interface Segment {
  readonly start: number;
  readonly length: number;
  readonly position: number;
}

/** Reference evaluation of one call: the ragged batch, and each sequence's carried state (undefined: fresh). */
export interface EvaluationContext {
  readonly tokens: number;
  readonly segments: readonly Segment[];
  /** States of this op before the call, per segment; written by the op with the states after it. */
  readonly state: Map<string, Reference>[];
  /** What the leaves `parameter` and `input` stand for; absent inside `scan`, where there are none. */
  readonly leaves?: {
    readonly parameter: (path: string) => Reference;
    readonly input: (name: 'x' | 'tokens' | 'gradient') => Reference;
  };
  /**
   * Lives as long as one evaluation of a graph: what ops with several results computed together, keyed by an array that
   * they all read. Absent: nothing is kept.
   */
  readonly memo?: WeakMap<Float64Array, unknown>;
  readonly types: { readonly inputs: readonly TensorType[]; readonly output: TensorType };
}

/** A piece of decode state that an op owns. */
export type OpState =
  /** Constant size per sequence: convolution and SSM states. */
  | { readonly name: string; readonly kind: 'sequence'; readonly dims: readonly number[] }
  /** Grows with the context: keys and values. `dims` per token. */
  | { readonly name: string; readonly kind: 'token'; readonly dims: readonly number[] };

/** All there is to know of an op beside its kernels. */
export interface OpDefinition<N extends OpName> {
  readonly name: N;
  readonly doc: string;
  /** Shape rule. @throws ShapeError */
  readonly infer: (inputs: readonly TensorType[], attributes: OpAttributes[N]) => TensorType;
  /** f64 meaning. */
  readonly evaluate: (
    inputs: readonly Reference[],
    attributes: OpAttributes[N],
    context: EvaluationContext,
  ) => Reference;
  /**
   * Reverse mode: given the node's inputs, its value and the gradient of its value, builds the gradients of the inputs
   * (undefined: none flows) out of ops. Absent: not differentiable (comparisons, floor).
   */
  readonly gradient?: (
    builder: NodeBuilder,
    node: { readonly inputs: readonly NodeId[]; readonly attributes: OpAttributes[N]; readonly output: NodeId },
    outputGradient: NodeId,
  ) => readonly (NodeId | undefined)[];
  readonly state?: (inputs: readonly TensorType[], attributes: OpAttributes[N]) => readonly OpState[];
}
