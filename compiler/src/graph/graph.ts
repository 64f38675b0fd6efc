/**
 * The graph: what one layer (or the embedding, or the head) computes, as pure ops over named-dimension tensors in
 * topological order. Immutable. Identical layers share one graph; a `ModelGraph` lists instances of graphs.
 */
import type { Span } from '@hyb/grammar';
import type { TensorType } from './types.js';
import type { OpAttributes, OpName } from '../ops/attributes.js';

/** Index of a node in its graph; inputs always have smaller ids. */
export type NodeId = number;

export interface GraphNode<N extends OpName = OpName> {
  readonly id: NodeId;
  readonly op: N;
  readonly inputs: readonly NodeId[];
  readonly attributes: OpAttributes[N];
  readonly type: TensorType;
  /** The `let` name or parameter path it was written as; used in prints, kernel names and comments. */
  readonly label?: string;
  readonly origin?: Span;
}

/** A parameter as the block declares it: logical, before any layout. */
export interface GraphParameter {
  /** Path inside the layer: `in_z.weight`, `norm.pre.weight`, `A_log`. */
  readonly path: string;
  readonly type: TensorType;
  readonly init: Initializer;
  /** `matrix`: read by linear or embed (large, weight storage type); `vector`: everything else (packed, f32). */
  readonly role: 'matrix' | 'vector';
}

export type Initializer =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly std: number }
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number }
  | { readonly kind: 'log_uniform'; readonly low: number; readonly high: number; readonly floor?: number }
  | { readonly kind: 'kaiming_uniform'; readonly fan_in: number }
  /** Output projection: std / sqrt(number of layers). */
  | { readonly kind: 'output'; readonly std: number }
  /** A function of another initializer's samples: `log(uniform(1, 16))`. */
  | { readonly kind: 'apply'; readonly fn: 'log' | 'inverse_softplus' | 'neg' | 'exp'; readonly of: Initializer };

export interface Graph {
  /** Stable name of the template: `M`, `A.2` (second distinct variant of alias A), `embedding`, `head`. */
  readonly name: string;
  readonly nodes: readonly GraphNode[];
  readonly parameters: readonly GraphParameter[];
  /** The node whose value leaves the graph: the residual stream `[time, width]`, or the logits `[time, vocab]`. */
  readonly output: NodeId;
}

export interface GraphInstance {
  /** Index into `ModelGraph.graphs`. */
  readonly graph: number;
  /** `embedding`, `layers.7`, `head`; prefix of the full parameter path. */
  readonly path: string;
  /** Alias in the source, such as `M`; undefined for embedding and head. */
  readonly alias?: string;
  readonly layer?: number;
  /**
   * Where the parameters live when not under `path`: `shared` blocks and the tied head. Maps a local parameter path to
   * a full one.
   */
  readonly aliases: Readonly<Record<string, string>>;
}

/** The whole model: embedding, layers, head, in order; each takes the previous one's output as input `x`. */
export interface ModelGraph {
  readonly name: string;
  readonly vocab: number;
  readonly width: number;
  readonly context: number;
  readonly graphs: readonly Graph[];
  readonly instances: readonly GraphInstance[];
}

/** Where a parameter lives that is not the instance's own; undefined if it is. */
export function sharedPath({ aliases }: GraphInstance, local: string): string | undefined {
  // Parameters have names that users gave them, `constructor` perhaps.
  return Object.hasOwn(aliases, local) ? aliases[local] : undefined;
}

/** Full path of an instance's parameter, such as `layers.3.in_z.weight`. */
export function parameterPath(instance: GraphInstance, local: string): string {
  return sharedPath(instance, local) ?? `${instance.path}.${local}`;
}

/** Local path of the parameter that a value is, perhaps rounded or rescaled on the way. */
export function parameterBehind({ nodes }: Pick<Graph, 'nodes'>, id: NodeId): string | undefined {
  const node = nodes[id]!;
  if (node.op === 'parameter') return (node as GraphNode<'parameter'>).attributes.path;
  const shape = (each: NodeId): string => nodes[each]!.type.dims.map(({ extent }) => extent).join();
  const input = node.inputs.find((each) => shape(each) === shape(id));
  return input === undefined ? undefined : parameterBehind({ nodes }, input);
}
