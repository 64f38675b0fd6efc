import type { Span } from '@hyb/grammar';
import type { OpAttributes, OpName } from '../ops/attributes.js';
import type { Graph, GraphParameter, NodeId } from './graph.js';
import type { TensorType } from './types.js';

/** Appends nodes to a graph under construction; types come from the op table's shape rules. Equal pure nodes are shared. */
export interface GraphBuilder {
  add<N extends OpName>(
    op: N,
    inputs: readonly NodeId[],
    attributes: OpAttributes[N],
    details?: { readonly label?: string; readonly origin?: Span },
  ): NodeId;
  parameter(parameter: GraphParameter): NodeId;
  constant(value: number): NodeId;
  typeOf(node: NodeId): TensorType;
  finish(name: string, output: NodeId): Graph;
}
