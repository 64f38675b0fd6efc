/** f64 evaluation of one graph over a ragged batch: the meaning that kernels are compared with. */
import type { Graph, NodeId } from '../graph/graph.js';
import type { OpAttributes, OpName } from '../ops/attributes.js';
import type { EvaluationContext, Reference, Segment } from '../ops/op.js';
import { shapeOf, sizeOf } from '../ops/layout.js';
import { opDefinition } from '../ops/table.js';
import { printType } from '../graph/types.js';
import type { TensorType } from '../graph/types.js';

/** States of one graph instance in one sequence: by node, then by the op's name for the piece. Immutable. */
export type InstanceState = ReadonlyMap<NodeId, ReadonlyMap<string, Reference>>;

export interface GraphEvaluation {
  /** Residual stream `[tokens, width]`. */
  readonly x?: Reference;
  /** Token ids, of all segments. */
  readonly tokens?: readonly number[];
  /** Gradient of the output, in gradient graphs. */
  readonly gradient?: Reference;
  /** Parameters by local path. */
  readonly parameters: ReadonlyMap<string, Reference> | ((path: string) => Reference);
  readonly segments: readonly Segment[];
  /** One per segment; absent: fresh sequences. */
  readonly states?: readonly (InstanceState | undefined)[];
  /** Evaluate only these nodes and what they need; by default all nodes. */
  readonly roots?: readonly NodeId[];
  /** Values of an earlier evaluation of this graph with the same inputs: not computed again. */
  readonly known?: GraphResult['values'];
}

export interface GraphResult {
  /** Value of the graph's output. */
  readonly output: Reference;
  /** States after the call, one per segment. */
  readonly states: readonly InstanceState[];
  /** The values of all nodes; undefined for those that `roots` does not need. */
  readonly values: readonly (Reference | undefined)[];
}

/** One fresh sequence, or several one after another on the flat token axis. */
export function freshSegments(...lengths: readonly number[]): Segment[] {
  let start = 0;
  return lengths.map((length) => {
    const segment = { start, length, position: 0 };
    start += length;
    return segment;
  });
}

/**
 * Evaluates a graph.
 * @throws Error if a parameter or input is missing or has another shape.
 */
export function evaluateGraph(graph: Graph, evaluation: GraphEvaluation): GraphResult {
  const { segments, parameters } = evaluation;
  const tokens = segments.reduce((n, segment) => Math.max(n, segment.start + segment.length), 0);
  const leaves: NonNullable<EvaluationContext['leaves']> = {
    parameter: typeof parameters === 'function' ? parameters : (path) => lookUp(parameters, path),
    input: (name) => inputOf(name, evaluation),
  };
  const memo = new WeakMap<Float64Array, unknown>();
  const states = segments.map(() => new Map<NodeId, ReadonlyMap<string, Reference>>());
  const values: (Reference | undefined)[] = graph.nodes.map((_, id) => evaluation.known?.[id]);
  const needed = neededNodes(graph, [graph.output, ...(evaluation.roots ?? graph.nodes.map((node) => node.id))]);
  for (const node of graph.nodes) {
    if (values[node.id] !== undefined || !needed.has(node.id)) continue;
    const definition = opDefinition(node.op);
    const state = segments.map((_, s) => new Map(evaluation.states?.[s]?.get(node.id)));
    const context: EvaluationContext = {
      tokens,
      segments,
      state,
      leaves,
      memo,
      types: { inputs: node.inputs.map((id) => graph.nodes[id]!.type), output: node.type },
    };
    const inputs = node.inputs.map((id) => values[id]!);
    const value = definition.evaluate(inputs, node.attributes as OpAttributes[OpName], context);
    requireShape(value, node.type, tokens, node.label ?? node.op);
    values[node.id] = value;
    state.forEach((after, s) => {
      if (after.size > 0) states[s]!.set(node.id, after);
    });
  }
  return { output: values[graph.output]!, states, values };
}

function neededNodes(graph: Graph, roots: readonly NodeId[]): ReadonlySet<NodeId> {
  const needed = new Set<NodeId>(roots);
  for (let id = graph.nodes.length - 1; id >= 0; id--) {
    if (needed.has(id)) for (const input of graph.nodes[id]!.inputs) needed.add(input);
  }
  return needed;
}

/** @throws Error naming the missing parameter */
export function lookUp(parameters: ReadonlyMap<string, Reference>, path: string): Reference {
  const found = parameters.get(path);
  if (found === undefined) throw new Error(`parameter ${path} is missing`);
  return found;
}

function inputOf(name: OpAttributes['input']['name'], { x, tokens, gradient }: GraphEvaluation): Reference {
  const value =
    name === 'tokens'
      ? tokens && { shape: [tokens.length], data: Float64Array.from(tokens) }
      : name === 'x'
        ? x
        : gradient;
  if (value === undefined) throw new Error(`the input \`${name}\` is missing`);
  return value;
}

function requireShape(value: Reference, type: TensorType, tokens: number, what: string): void {
  const shape = shapeOf(type.dims, tokens);
  const fits =
    value.shape.length === shape.length &&
    value.shape.every((n, i) => n === shape[i]) &&
    value.data.length === sizeOf(shape);
  if (fits) return;
  throw new Error(
    `${what} has shape [${value.shape.join(', ')}] (${value.data.length} elements), not that of ${printType(type)}`,
  );
}
