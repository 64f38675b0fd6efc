/** Reverse mode for layer graphs: the graph that computes the gradients of a graph's input and parameters. */
import { createGraphBuilder } from '../graph/builder.js';
import type { Graph, NodeId } from '../graph/graph.js';
import type { OpAttributes, OpName } from '../ops/attributes.js';
import { opDefinition } from '../ops/table.js';
import { backpropagate } from './reverse.js';
import { byName } from '../model/by-name.js';

/**
 * A graph that holds the forward computation and its gradients. It reads the forward graph's inputs and `gradient`, that
 * of the forward result; `output` is the forward result. Sequences are whole: no state is carried in.
 */
export interface GradientGraph extends Graph {
  readonly gradients: {
    /** Of the residual stream `x`; absent in the embedding, and where nothing depends on it. */
    readonly input?: NodeId;
    /** By local path; parameters that the result does not depend on are absent. */
    readonly parameters: Readonly<Record<string, NodeId>>;
  };
}

export function differentiate(graph: Graph): GradientGraph {
  const stream = graph.nodes.find(
    (node) => node.op === 'input' && (node.attributes as OpAttributes['input']).name === 'x',
  );
  const width = stream?.type.dims.at(-1)?.extent;
  const builder = createGraphBuilder({ width: typeof width === 'number' ? width : 0 });
  const copies: NodeId[] = [];
  const leaves = new Map<NodeId, string | undefined>();
  for (const declaration of graph.parameters) leaves.set(builder.parameter(declaration), declaration.path);
  for (const node of graph.nodes) {
    const copy = copyNode(node);
    copies.push(copy);
    if (node.id === stream?.id) leaves.set(copy, undefined);
  }

  function copyNode({ op, inputs, attributes, type, label, origin }: Graph['nodes'][number]): NodeId {
    if (op === 'parameter') {
      const { path } = attributes as OpAttributes['parameter'];
      return builder.parameter(graph.parameters.find((p) => p.path === path)!);
    }
    if (op === 'input') return builder.input((attributes as OpAttributes['input']).name, type);
    const details = { ...(label !== undefined && { label }), ...(origin !== undefined && { origin }) };
    const moved = inputs.map((input) => copies[input]!);
    return builder.add<OpName>(op, moved, attributes, details);
  }

  const output = copies[graph.output]!;
  const seed = builder.input('gradient', { ...builder.typeOf(output), dtype: 'f32' });
  const found = backpropagate(builder, copies, new Map([[output, seed]]), new Set(leaves.keys()), opDefinition);
  const { graph: joint, roots } = builder.finishAll(`${graph.name}.gradient`, output, [...found.values()]);
  let input: NodeId | undefined;
  const parameters = byName<NodeId>();
  [...found.keys()].forEach((leaf, i) => {
    const path = leaves.get(leaf);
    if (path === undefined) input = roots[i]!;
    else parameters[path] = roots[i]!;
  });
  return { ...joint, gradients: { ...(input !== undefined && { input }), parameters } };
}
