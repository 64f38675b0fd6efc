/** The adjoint of a scan's body: one token's computation of the gradients, from those of what it yields and hands on. */
import { createBodyBuilder } from '../../graph/body-builder.js';
import type { NodeId } from '../../graph/graph.js';
import type { TensorType } from '../../graph/types.js';
import { TIME, tensor } from '../../graph/types.js';
import { backpropagate } from '../../grad/reverse.js';
import type { OpAttributes, OpName, ScanBody, ScanNode } from '../attributes.js';
import { bodyDefinition, scanLeaf } from '../body.js';
import type { BodyOpName } from '../body-table.js';
import type { OpDefinition } from '../op.js';
import { isFloat } from '../shape.js';

/**
 * A body whose leaves `scan_state` 0 … n-1 are the states before the token, n … 2n-1 the gradients of the states after it;
 * `scan_input` indexes are those of the forward body, and one more, after the last outer value, is the gradient of what
 * was yielded.
 */
export interface Adjoint {
  readonly nodes: readonly ScanNode[];
  /** Gradient of each state before the token. */
  readonly states: readonly NodeId[];
  /** The forward body's next value of each state. */
  readonly next: readonly NodeId[];
  /** Gradient of each read of an outer value, at this token or `offset` tokens before. */
  readonly reads: readonly { readonly index: number; readonly offset: number; readonly node: NodeId }[];
}

/** @param outers types of the outer values as the scan's inputs have them */
export function adjointOf(body: ScanBody, outers: readonly TensorType[]): Adjoint {
  const count = body.states.length;
  const gradients = body.states.map(({ dims }) => tensor(dims));
  const yielded = tensor([TIME, ...body.nodes[body.yields]!.type.dims]);
  const builder = createBodyBuilder([...body.states, ...gradients], [...outers, yielded]);
  const copies: NodeId[] = [];
  const wanted = new Set<NodeId>();
  for (const node of body.nodes) {
    const copy = copyNode(node);
    copies.push(copy);
    if ((node.op === 'scan_state' || node.op === 'scan_input') && isFloat(node.type.dtype)) wanted.add(copy);
  }

  function copyNode(node: ScanNode): NodeId {
    if (node.op === 'scan_state') return builder.state(scanLeaf(node).index, node.label);
    if (node.op === 'scan_input') return builder.input(scanLeaf(node).index, scanLeaf(node).offset, node.label);
    const inputs = node.inputs.map((input) => copies[input]!);
    return builder.add(node.op, inputs, node.attributes as OpAttributes[OpName]);
  }

  const seeds = new Map<NodeId, NodeId>();
  const seed = (node: NodeId, gradient: NodeId): void => {
    const known = seeds.get(node);
    seeds.set(node, known === undefined ? gradient : builder.add('add', [known, gradient], {}));
  };
  body.next.forEach((node, i) => seed(copies[node]!, builder.state(count + i)));
  seed(copies[body.yields]!, builder.input(outers.length));
  const definition = (op: OpName): OpDefinition<OpName> =>
    bodyDefinition(op as BodyOpName) as unknown as OpDefinition<OpName>;
  const found = backpropagate(builder, copies, seeds, wanted, definition);

  const zeroOf = (type: TensorType): NodeId => builder.add('broadcast', [builder.constant(0)], { dims: type.dims });
  const states = body.states.map((type, i) => found.get(builder.state(i)) ?? zeroOf(type));
  const reads = [...found].flatMap(([leaf, node]) => {
    const { op, attributes } = builder.nodeOf(leaf);
    if (op !== 'scan_input') return [];
    const { index, offset = 0 } = attributes as { readonly index: number; readonly offset?: number };
    return [{ index, offset, node }];
  });
  const next = body.next.map((node) => copies[node]!);
  const { nodes, roots } = builder.finishNodes([...states, ...next, ...reads.map((read) => read.node)]);
  return {
    nodes,
    states: roots.slice(0, count),
    next: roots.slice(count, 2 * count),
    reads: reads.map((read, i) => ({ ...read, node: roots[2 * count + i]! })),
  };
}
