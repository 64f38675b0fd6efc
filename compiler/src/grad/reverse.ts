/** Reverse-mode differentiation over a list of nodes, by the gradient rules of the op table. */
import type { BuiltNode, NodeBuilder } from '../graph/builder.js';
import type { NodeId } from '../graph/graph.js';
import type { OpAttributes, OpName } from '../ops/attributes.js';
import type { OpDefinition } from '../ops/op.js';

/**
 * Walks from the seeds back and builds the gradient of every node that depends on a wanted leaf.
 *
 * @param nodes forward nodes in topological order, as ids of the builder
 * @param seeds gradients that come from outside, by forward node
 * @param wanted the leaves to differentiate by
 * @param definition the op table; scan bodies have a smaller one
 * @returns the gradient of each wanted leaf that any seed depends on
 */
export function backpropagate(
  builder: NodeBuilder,
  nodes: readonly NodeId[],
  seeds: ReadonlyMap<NodeId, NodeId>,
  wanted: ReadonlySet<NodeId>,
  definition: (op: OpName) => OpDefinition<OpName>,
): ReadonlyMap<NodeId, NodeId> {
  const depends = new Set<NodeId>(wanted);
  for (const id of nodes) if (builder.nodeOf(id).inputs.some((input) => depends.has(input))) depends.add(id);
  const gradients = new Map<NodeId, NodeId>(seeds);
  for (const id of [...nodes].reverse()) {
    const gradient = gradients.get(id);
    if (gradient === undefined || wanted.has(id) || !depends.has(id)) continue;
    const node: BuiltNode = builder.nodeOf(id);
    const rule = definition(node.op as OpName).gradient;
    if (rule === undefined) continue;
    const { inputs, attributes } = node;
    const parts = rule(builder, { inputs, attributes: attributes as OpAttributes[OpName], output: id }, gradient);
    inputs.forEach((input, i) => {
      const part = parts[i];
      if (part === undefined || !depends.has(input)) return;
      const known = gradients.get(input);
      gradients.set(input, known === undefined ? part : builder.add('add', [known, part], {}));
    });
  }
  return new Map([...wanted].flatMap((leaf) => (gradients.has(leaf) ? [[leaf, gradients.get(leaf)!] as const] : [])));
}
