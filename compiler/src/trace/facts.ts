/** What a model's graphs say about it: parameters and decode state, with exact counts. */
import { opDefinition } from '../ops/table.js';
import type { OpAttributes, OpName } from '../ops/attributes.js';
import type { OpState } from '../ops/op.js';
import { parameterPath } from '../graph/graph.js';
import type { Graph, GraphInstance, GraphNode, GraphParameter, ModelGraph } from '../graph/graph.js';
import type { Dtype } from '../graph/types.js';

/** One parameter of the model; tied and shared ones occur once, where they live. */
export interface ParameterEntry {
  /** `layers.3.in_z.weight` */
  readonly path: string;
  readonly instance: GraphInstance;
  readonly parameter: GraphParameter;
  readonly shape: readonly number[];
  readonly count: number;
}

/** All parameters, in order of the instances. */
export function parameters(model: ModelGraph): readonly ParameterEntry[] {
  return model.instances.flatMap((instance) =>
    (model.graphs[instance.graph]?.parameters ?? []).flatMap((parameter) => {
      if (Object.hasOwn(instance.aliases, parameter.path)) return [];
      const shape = parameter.type.dims.map((d) => d.extent as number);
      const count = shape.reduce((n, extent) => n * extent, 1);
      return [{ path: parameterPath(instance, parameter.path), instance, parameter, shape, count }];
    }),
  );
}

export function parameterCount(model: ModelGraph): number {
  return parameters(model).reduce((n, { count }) => n + count, 0);
}

/** A piece of decode state of one layer. */
export interface StateEntry {
  readonly instance: GraphInstance;
  /** What the op is called in the source, or the op. */
  readonly label: string;
  readonly name: string;
  /** `sequence`: of constant size per sequence; `token`: per token of the context. */
  readonly kind: OpState['kind'];
  readonly dims: readonly number[];
  readonly elements: number;
  /** The format that its values are rounded to, so that storing them in it loses nothing. */
  readonly dtype: Dtype;
  /** Of an attention window: no more tokens than that are kept. */
  readonly window?: number;
}

export function decodeState(model: ModelGraph): readonly StateEntry[] {
  return model.instances.flatMap((instance) => {
    const graph = model.graphs[instance.graph];
    if (graph === undefined) return [];
    return graph.nodes.flatMap((node) =>
      statesOf(graph, node).map((state): StateEntry => {
        const window = node.op === 'attend' ? (node.attributes as OpAttributes['attend']).window : undefined;
        return {
          instance,
          label: node.label ?? node.op,
          name: state.name,
          kind: state.kind,
          dims: state.dims,
          elements: state.dims.reduce((n, d) => n * d, 1),
          dtype: stateDtype(graph, node, state.name),
          ...(window !== undefined && { window }),
        };
      }),
    );
  });
}

function statesOf(graph: Graph, node: GraphNode): readonly OpState[] {
  const inputs = node.inputs.map((id) => graph.nodes[id]!.type);
  return opDefinition(node.op).state?.(inputs, node.attributes as OpAttributes[OpName]) ?? [];
}

/** The format to which a piece of state has been rounded before it is carried; f32 where it has not been. */
export function stateDtype(graph: Graph, node: GraphNode, name: string): Dtype {
  const ofInput = (index: number): Dtype => {
    const input = node.inputs[index] === undefined ? undefined : graph.nodes[node.inputs[index]];
    return input?.op === 'cast' ? input.type.dtype : 'f32';
  };
  switch (node.op) {
    case 'attend':
      return ofInput(name === 'key' ? 1 : 2);
    case 'conv1d':
      return ofInput(0);
    case 'scan': {
      const { body } = node.attributes as OpAttributes['scan'];
      const index = Number(/\d+$/.exec(name)?.[0]);
      if (name.startsWith('input')) return ofInput(body.states.length + index);
      const next = body.nodes[body.next[index]!];
      return next?.op === 'cast' ? next.type.dtype : 'f32';
    }
    // The state of `ssd` accumulates over the whole sequence and is always f32.
    default:
      return 'f32';
  }
}
