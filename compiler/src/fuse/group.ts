/** A fused group: what becomes one kernel (or the few kernels of one structured op). */
import type { NodeId } from '../graph/graph.js';

interface GroupBase {
  /** Element-wise nodes computed where the anchors' values are at hand. */
  readonly epilogue: ReadonlySet<NodeId>;
  /** Nodes whose values leave the group, in order. */
  readonly stores: readonly NodeId[];
}

/** Linears that read the same input, as one matrix product. */
export interface LinearGroup extends GroupBase {
  readonly kind: 'linear';
  readonly anchors: readonly NodeId[];
  /**
   * More than 1: the anchors' rows are interleaved (row r of anchor j at r * interleave + j) and the epilogue sees all of
   * them at once, as a gated MLP's product needs.
   */
  readonly interleave: number;
  /** Row reductions that every workgroup computes for itself before the product (decode only). */
  readonly reductions: readonly NodeId[];
}

/** Attention, SSD, convolution, scan, embedding, and their gradients. */
export interface StructuredGroup extends GroupBase {
  readonly kind: 'structured';
  /** One; or, of a gradient op, all nodes that differ in nothing but the input `of` which they are the gradient. */
  readonly anchors: readonly [NodeId, ...NodeId[]];
}

/** Element-wise nodes and row reductions only; one workgroup a token. */
export interface RowwiseGroup extends GroupBase {
  readonly kind: 'rowwise';
  readonly anchors: readonly [];
  readonly reductions: readonly NodeId[];
}

export type Group = LinearGroup | StructuredGroup | RowwiseGroup;
