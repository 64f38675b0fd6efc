/** What can be measured inside a layer while it trains: nodes that are added to its graphs, each of one number. */
import type { ProbeSpec } from '@hyb/runtime';
import type { Graph, GraphNode, NodeId } from '../graph/graph.js';
import { parameterBehind } from '../graph/graph.js';
import { hasTime } from '../graph/types.js';
import type { OpAttributes, OpName } from '../ops/attributes.js';
import { opDefinition } from '../ops/table.js';

export interface Probe extends ProbeSpec {
  readonly node: NodeId;
}

/** Adds to a forward graph: norms of what linear maps give, and logits and entropy of attention. */
export function probeForward(graph: Graph): { readonly graph: Graph; readonly probes: readonly Probe[] } {
  const extended = new Extended(graph);
  for (const node of graph.nodes) {
    if (node.op === 'linear')
      extended.norm(resultOf(graph, node), 'outputs', mapsOf(graph, node, node.inputs.slice(1, 2)));
    if (node.op === 'attend') extended.attention(node as GraphNode<'attend'>);
  }
  return extended.finish();
}

/** Adds to a backward graph: norms of the gradients of what linear maps read. */
export function probeBackward(graph: Graph): { readonly graph: Graph; readonly probes: readonly Probe[] } {
  const extended = new Extended(graph);
  for (const node of graph.nodes) {
    if (node.op === 'matrix_input_gradient')
      extended.norm(node, 'gradients', mapsOf(graph, node, node.inputs.slice(1)));
  }
  return extended.finish();
}

/** Linear maps by their weights: `q, k, v` where they read one value, whose gradient is one; the head's is `logits`. */
function mapsOf(graph: Graph, node: GraphNode, weights: readonly NodeId[]): string {
  const paths = weights.flatMap((weight) => parameterBehind(graph, weight) ?? []);
  const names = paths.map((path) => path.replace(/\.?weight$/, '')).filter((name) => name !== '');
  return names.length > 0 ? names.join(', ') : (node.label ?? node.op).replace(/\.[^.]*$/, '');
}

/** What a linear map gives. With a spectral norm its product is scaled after it, and the bias added then. */
function resultOf(graph: Graph, linear: GraphNode): GraphNode {
  const scaled = graph.nodes.find(
    ({ op, inputs }) => op === 'mul' && inputs[0] === linear.id && isSpectral(graph, inputs[1]!),
  );
  if (scaled === undefined) return linear;
  const bias = parameterBehind(graph, linear.inputs[1]!)?.replace(/weight$/, 'bias');
  const added = graph.nodes.find(({ op, inputs }) => {
    return op === 'add' && inputs[0] === scaled.id && bias !== undefined && parameterBehind(graph, inputs[1]!) === bias;
  });
  return added ?? scaled;
}

/** gamma over a spectral norm */
function isSpectral(graph: Graph, id: NodeId): boolean {
  const { op, inputs } = graph.nodes[id]!;
  return op === 'div' && graph.nodes[inputs[1]!]!.op === 'spectral_norm';
}

class Extended {
  readonly #nodes: GraphNode[];
  readonly #probes: Probe[] = [];

  constructor(readonly graph: Graph) {
    this.#nodes = [...graph.nodes];
  }

  #add<N extends OpName>(op: N, inputs: readonly NodeId[], attributes: OpAttributes[N], label?: string): NodeId {
    const types = inputs.map((id) => this.#nodes[id]!.type);
    const type = opDefinition(op).infer(types, attributes as OpAttributes[OpName]);
    const id = this.#nodes.length;
    this.#nodes.push({ id, op, inputs, attributes, type, ...(label === undefined ? {} : { label }) });
    return id;
  }

  /** One number over all tokens. */
  #overTime(op: 'sum' | 'amax', value: NodeId): NodeId {
    const { dims } = this.#nodes[value]!.type;
    const rows = dims.filter((d) => d.extent !== 'time').map((d) => d.name);
    const perToken = rows.length > 0 ? this.#add(op, [value], { dims: rows }) : value;
    return hasTime(this.#nodes[perToken]!.type) ? this.#add(op, [perToken], { dims: ['time'] }) : perToken;
  }

  #probe(probe: ProbeSpec['probe'], of: string, kind: ProbeSpec['kind'], node: NodeId): void {
    const same = this.#probes.filter((p) => p.probe === probe && p.of.replace(/\.\d+$/, '') === of).length;
    const name = same === 0 ? of : `${of}.${same + 1}`;
    this.#probes.push({ id: `${probe} ${name}`, probe, of: name, kind, node });
  }

  norm(node: GraphNode, probe: 'outputs' | 'gradients', of: string): void {
    const square = this.#add('mul', [node.id, node.id], {});
    this.#probe(probe, of, 'norm', this.#overTime('sum', square));
  }

  attention(node: GraphNode<'attend'>): void {
    const inputs = node.inputs.slice(0, 2);
    const of = node.label ?? node.op;
    const logits = this.#add('attend_probe', inputs, { ...node.attributes, of: 'logits' });
    const entropy = this.#add('attend_probe', inputs, { ...node.attributes, of: 'entropy' });
    this.#probe('logits', of, 'largest', this.#overTime('amax', logits));
    this.#probe('entropy', of, 'mean', this.#overTime('sum', entropy));
  }

  finish(): { readonly graph: Graph; readonly probes: readonly Probe[] } {
    return { graph: { ...this.graph, nodes: this.#nodes }, probes: this.#probes };
  }
}
