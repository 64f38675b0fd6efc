/** What all views of a model ask of its graphs: parameters and decode states of an instance, and what to call it. */
import type { Graph, GraphInstance, GraphParameter, ModelGraph } from '../graph/graph.js';
import { parameterPath } from '../graph/graph.js';
import type { TensorType } from '../graph/types.js';
import type { OpState } from '../ops/op.js';
import { statesOf } from '../plan/plan.js';

export type BlockNames = (layer: number) => string;

export function graphOf(model: ModelGraph, instance: GraphInstance): Graph {
  return model.graphs[instance.graph]!;
}

/** Parameters that live in this instance and not in another (`shared` blocks, tied heads). */
export function ownParameters(model: ModelGraph, instance: GraphInstance): readonly GraphParameter[] {
  return graphOf(model, instance).parameters.filter(
    (p) => parameterPath(instance, p.path) === `${instance.path}.${p.path}`,
  );
}

/** Alias of a layer in the source; `embedding` and `head` go by their paths. */
export function kindOf(instance: GraphInstance): string {
  return instance.layer === undefined ? instance.path : (instance.alias ?? instance.path);
}

export function blockOf(instance: GraphInstance, names: BlockNames | undefined): string {
  if (instance.layer === undefined) return instance.path;
  return names?.(instance.layer) ?? instance.alias ?? '';
}

export interface NodeState {
  readonly state: OpState;
  readonly elements: number;
  /** Most positions that are read of a state that has one entry a token; absent: all. */
  readonly window?: number;
}

/** Decode states of a graph's ops. */
export function graphStates(graph: Graph): readonly NodeState[] {
  return graph.nodes.flatMap((node) => {
    const window = node.op === 'attend' ? (node.attributes as { readonly window?: number }).window : undefined;
    return statesOf(graph, node).map((state) => ({
      state,
      elements: product(state.dims),
      ...(window === undefined || state.kind === 'sequence' ? {} : { window }),
    }));
  });
}

/** Elements of a tensor without `time`. */
export function elementsOf(type: TensorType): number {
  return product(type.dims.map((d) => d.extent as number));
}

export function product(factors: readonly number[]): number {
  return factors.reduce((a, b) => a * b, 1);
}

export function total<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0);
}
