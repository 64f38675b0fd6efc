/** A fused group: what becomes one kernel (or the few kernels of one structured op). */
import type { NodeId } from '../graph/graph.js';

interface GroupBase {
  /** Element-wise nodes computed where the anchors' values are at hand. */
  readonly epilogue: ReadonlySet<NodeId>;
  /** Nodes whose values leave the group, in order. */
  readonly stores: readonly NodeId[];
}

/** A node whose value goes to the cache of keys or values of an attention instead of to a buffer. */
export interface CacheWrite {
  readonly source: NodeId;
  readonly attend: NodeId;
  readonly name: 'key' | 'value';
}

/** Rows that rotary embedding turns into each other: within each `block` of rows, 2 · `pairs` of them. */
export interface RowPairs {
  readonly block: number;
  readonly pairs: number;
  /** Row i with row i + pairs, or row 2i with row 2i + 1. */
  readonly pairing: 'half' | 'interleaved';
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
  readonly cacheWrites: readonly CacheWrite[];
  /** Present where the epilogue rotates: both rows of a pair are finished by the same invocation (decode only). */
  readonly rowPairs?: RowPairs;
}

/** Attention, SSD, convolution, scan, embedding, and their gradients. */
export interface StructuredGroup extends GroupBase {
  readonly kind: 'structured';
  /** One; or, of a gradient op, all nodes that differ in nothing but the input `of` which they are the gradient. */
  readonly anchors: readonly [NodeId, ...NodeId[]];
  /** Attention whose keys and values the groups that make them have written to the cache. */
  readonly cached: boolean;
}

/** Element-wise nodes and row reductions only; one workgroup a token. */
export interface RowwiseGroup extends GroupBase {
  readonly kind: 'rowwise';
  readonly anchors: readonly [];
  readonly reductions: readonly NodeId[];
}

export type Group = LinearGroup | StructuredGroup | RowwiseGroup;
