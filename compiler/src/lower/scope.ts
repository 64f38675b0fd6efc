/**
 * What a structured lowering (attention, SSD, convolution, scan, …) writes its kernels against. The fused prologue of each
 * input and the fused epilogue of the result are hidden behind `input` and `output`, so that a lowering is the same
 * whether its inputs come from buffers or are computed on the way.
 */
import type { Graph, GraphNode, NodeId } from '../graph/graph.js';
import type { OpName } from '../ops/attributes.js';
import type { KernelBuilder, Buffer } from '../kernel/build.js';
import type { BufferElement, Expression, Feature } from '../kernel/ir.js';
import type { CallOperand, CallUniform, KernelCall, Mode } from './call.js';

/** A scalar position in a tensor, by dimension name. `time` is the flat token index. u32 expressions. */
export type Coordinates = Readonly<Record<string, Expression>>;

export interface KernelScope {
  readonly builder: KernelBuilder;
  /** Input `i` of the anchor at `at`, f32. Statements may be emitted; call it where the value is needed. */
  input(i: number, at: Coordinates): Expression;
  /** Four consecutive elements along the input's last dimension (coordinate a multiple of 4), vec4f; falls back to four scalars. */
  input4(i: number, at: Coordinates): Expression;
  /** Hands the anchor's value at `at` to the fused epilogue, which stores what leaves the group. Call once per element. */
  output(at: Coordinates, value: Expression): void;
  /** The same for one of several anchors (`LoweringContext.nodes`), by its id. */
  outputOf(node: NodeId, at: Coordinates, value: Expression): void;
  /** Declares a buffer and what it is bound to; the same operand twice gives the same buffer. */
  bind(hint: string, operand: CallOperand, element: BufferElement, access: 'read' | 'read_write', doc: string): Buffer;
  uniform(hint: string, value: CallUniform, type: 'u32' | 'i32' | 'f32', doc: string): Expression;
  finish(call: {
    readonly name: string;
    readonly doc: string;
    readonly label: string;
    readonly requires?: readonly Feature[];
    readonly workgroupSize: readonly [number, number, number];
    readonly folds?: number;
    readonly grid: KernelCall['grid'];
    readonly split?: KernelCall['split'];
    readonly cost: KernelCall['cost'];
  }): KernelCall;
}

export interface LoweringContext<N extends OpName = OpName> {
  readonly graph: Graph;
  /** The anchor; the first one where there are several. */
  readonly node: GraphNode<N>;
  /**
   * All anchors. Gradient ops have a node for each input whose gradient somebody wants: the same op, inputs and attributes
   * except `of`.
   */
  readonly nodes: readonly GraphNode<N>[];
  readonly mode: Mode;
  /** Of attention: the new keys and values are in the cache already. */
  readonly cached?: boolean;
  /** A fresh kernel of this group. A lowering that needs scratch between kernels binds `scratch` operands. */
  scope(): KernelScope;
}

/** A structured lowering: the anchor's kernels in order. */
export type Lowering<N extends OpName> = (context: LoweringContext<N>) => readonly KernelCall[];
