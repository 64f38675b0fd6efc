/**
 * Which linears of a graph become one matrix. Depends on the graph alone, not on the program, because prefill and decode
 * read the same weights.
 */
import type { Graph, GraphNode, NodeId } from '../graph/graph.js';
import { rowDims } from './position.js';
import { fusionClass } from './classes.js';

export interface LinearSet {
  readonly anchors: readonly NodeId[];
  readonly interleave: number;
}

/** Most maps of one matrix: each has a buffer of its own for its result, beside those that the product reads. */
const MOST = 4;

export function linearSets(graph: Graph, fused: boolean): readonly LinearSet[] {
  const linears = graph.nodes.filter(
    (n): n is GraphNode<'linear'> => n.op === 'linear' && hasMatrix(graph, n as GraphNode<'linear'>),
  );
  if (!fused) return linears.map((n) => ({ anchors: [n.id], interleave: 1 }));
  // A weight that several maps read is a matrix of its own: it has one place, and one gradient.
  const readers = new Map<NodeId, number>();
  for (const { inputs } of linears) readers.set(inputs[1]!, (readers.get(inputs[1]!) ?? 0) + 1);
  const byInput = new Map<string, GraphNode<'linear'>[]>();
  for (const n of linears) {
    const alone = readers.get(n.inputs[1]!)! > 1 ? ` alone ${n.id}` : '';
    const key = `${n.inputs[0]} ${n.attributes.in.join()}${alone}`;
    byInput.set(key, [...(byInput.get(key) ?? []), n]);
  }
  const consumers = consumersOf(graph);
  const sets = [...byInput.values()].flatMap((set) =>
    Array.from({ length: Math.ceil(set.length / MOST) }, (_, i) => set.slice(i * MOST, (i + 1) * MOST)),
  );
  return sets.map((set) => ({
    anchors: set.map((n) => n.id),
    interleave: meetInOneProduct(graph, set, consumers) ? set.length : 1,
  }));
}

/** A linear whose weight is a parameter itself, not computed from one. */
export function hasMatrix(graph: Graph, node: GraphNode<'linear'>): boolean {
  return graph.nodes[node.inputs[1]!]!.op === 'parameter';
}

export function consumersOf(graph: Graph): readonly (readonly NodeId[])[] {
  const consumers: NodeId[][] = graph.nodes.map(() => []);
  for (const node of graph.nodes) for (const input of new Set(node.inputs)) consumers[input]!.push(node.id);
  return consumers;
}

/** All linears of the set have the same output and flow, element by element, into one binary node. */
function meetInOneProduct(
  graph: Graph,
  set: readonly GraphNode<'linear'>[],
  consumers: readonly (readonly NodeId[])[],
): boolean {
  // Kernels take rows in eights, so an interleaved unit must divide that.
  if (set.length !== 2 && set.length !== 4) return false;
  const shape = (n: GraphNode): string =>
    rowDims(n.type)
      .map((d) => d.extent)
      .join();
  if (new Set(set.map(shape)).size !== 1) return false;
  const meeting = new Set(set.map((n) => nextJoin(graph, n.id, consumers)));
  return meeting.size === 1 && !meeting.has(undefined);
}

function nextJoin(graph: Graph, from: NodeId, consumers: readonly (readonly NodeId[])[]): NodeId | undefined {
  let at = from;
  for (;;) {
    const next = consumers[at]!;
    // A silu written as x * sigmoid(x) has two consumers that are both inside the element-wise region; keep it simple.
    if (next.length !== 1) return undefined;
    const node = graph.nodes[next[0]!]!;
    if (fusionClass(node.op) !== 'element') return undefined;
    const others = node.inputs.filter((i) => i !== at && fusionClass(graph.nodes[i]!.op) !== 'source');
    if (others.length > 0) return node.id;
    at = node.id;
  }
}
