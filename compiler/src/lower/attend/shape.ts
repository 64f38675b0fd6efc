/** Sizes and names of an attention node, and its scores: what all its kernels have in common. */
import type { Graph, GraphNode } from '../../graph/graph.js';
import type { TensorType } from '../../graph/types.js';
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import type { Coordinates } from '../scope.js';

/** Stands for minus infinity: scores of masked keys, and the running maximum before any key. */
export const MASKED = -3e38;

export interface AttendShape {
  readonly heads: number;
  readonly kvHeads: number;
  /** Query heads for each head of keys and values. */
  readonly group: number;
  /** Elements of a key and of a value. */
  readonly keyWidth: number;
  readonly valueWidth: number;
  readonly queryType: TensorType;
  /** Types of inputs 1 and 2. */
  readonly keyType: TensorType;
  readonly valueType: TensorType;
  /** Coordinates of an element of the query (all but its last dimension) and of the result. */
  query(time: Expression, head: Expression): Coordinates;
  result(time: Expression, head: Expression, column: Expression): Coordinates;
}

export function attendShape(graph: Graph, node: GraphNode<'attend'> | GraphNode<'attend_gradient'>): AttendShape {
  const [queryType, keyType, valueType] = node.inputs.map((i) => graph.nodes[i]!.type) as [
    TensorType,
    TensorType,
    TensorType,
  ];
  const extent = (type: TensorType, i: number): number => type.dims[i]!.extent as number;
  const heads = extent(queryType, 1);
  const kvHeads = extent(keyType, 1);
  return {
    heads,
    kvHeads,
    group: heads / kvHeads,
    keyWidth: extent(keyType, 2),
    valueWidth: extent(valueType, 2),
    queryType,
    keyType,
    valueType,
    query: (time, head) => ({ time, [queryType.dims[1]!.name]: head }),
    result: (time, head, column) => ({ time, [node.type.dims[1]!.name]: head, [node.type.dims[2]!.name]: column }),
  };
}

type Attributes = GraphNode<'attend'>['attributes'];

/** Score of a query, already multiplied by `scale`, with a key: cap, then temperature. */
export function scoreOf(product: Expression, { cap, temperature }: Attributes): Expression {
  const capped = cap === undefined ? product : e.mul(e.call('safe_tanh', e.div(product, cap)), cap);
  return temperature === undefined || temperature === 1 ? capped : e.mul(capped, temperature);
}

/** First position that a query at `position` sees. */
export function firstSeen(position: Expression, window: number | undefined): Expression {
  if (window === undefined) return e.u32(0);
  return e.select(e.ge(position, window), e.sub(e.add(position, 1), window), e.u32(0));
}

/** Whether a query at `position` sees the key at `key`. */
export function isSeen(position: Expression, key: Expression, window: number | undefined): Expression {
  const causal = e.le(key, position);
  return window === undefined ? causal : e.and(causal, e.gt(e.add(key, window), position));
}

/** Weight of a key after the softmax: exp(score - largest), and zero where masked. */
export function weightOf(score: Expression, largest: Expression): Expression {
  return e.select(e.gt(score, MASKED / 2), e.exp(e.sub(score, largest)), e.f32(0));
}

/** `clip((zeta - gamma) p + gamma, 0, 1)` of a probability. */
export function clipped(probability: Expression, [zeta, gamma]: readonly [number, number]): Expression {
  return e.call('clamp', e.add(e.mul(probability, zeta - gamma), gamma), 0, 1);
}
