/**
 * The work that a model is, whatever kernels do it: operations of each op of its graphs, weights and states that have to be
 * read. What cannot be avoided, as against `kernels.ts`, which says what is done.
 */
import type { Graph, GraphNode, ModelGraph } from '../graph/graph.js';
import { parameterPath } from '../graph/graph.js';
import { elementsPerToken, hasTime } from '../graph/types.js';
import type { TensorType } from '../graph/types.js';
import type { ScanBody } from '../ops/attributes.js';
import { elementsOf, graphOf, graphStates, total } from './instances.js';

/** Multiplications and additions (each counts) for one token. */
export interface TokenOperations {
  readonly linear: number;
  readonly recurrence: number;
  readonly convolution: number;
  readonly pointwise: number;
}

/** Keys and values: they grow with the context. */
export interface AttentionWork {
  /** Operations of one token for every position it sees. */
  readonly operationsPerKey: number;
  /** Elements kept for every position. */
  readonly elements: number;
  /** Most positions that a token sees; absent: all. */
  readonly window?: number;
}

export interface ModelWork {
  readonly name: string;
  readonly width: number;
  readonly vocab: number;
  /** Of the layers. */
  readonly operations: TokenOperations;
  /** Of the head, wanted where logits are. */
  readonly head: TokenOperations;
  readonly attention: readonly AttentionWork[];
  /** Elements of matrices that the layers multiply by, of the head's matrix, and of all vectors. */
  readonly layerMatrices: number;
  readonly headMatrix: number;
  readonly vectors: number;
  /** Elements of tables of which a token reads one row. */
  readonly tables: number;
  /** All parameters, each once. */
  readonly parameters: number;
  /** Elements of state per sequence. */
  readonly sequenceState: number;
  readonly layers: number;
}

const NONE: TokenOperations = { linear: 0, recurrence: 0, convolution: 0, pointwise: 0 };

export function modelWork(model: ModelGraph): ModelWork {
  const works = model.graphs.map(graphWork);
  const last = model.instances.length - 1;
  const layers = model.instances.slice(0, last).map((i) => works[i.graph]!);
  const head = works[model.instances[last]!.graph]!;
  const all = model.instances.map((i) => works[i.graph]!);
  const unique = new Map(
    model.instances.flatMap((instance) =>
      graphOf(model, instance).parameters.map((p) => [parameterPath(instance, p.path), elementsOf(p.type)] as const),
    ),
  );
  return {
    name: model.name,
    width: model.width,
    vocab: model.vocab,
    operations: layers.reduce((sum, w) => add(sum, w.operations), NONE),
    head: head.operations,
    attention: all.flatMap((w) => w.attention),
    layerMatrices: total(layers, (w) => w.matrices),
    headMatrix: head.matrices,
    vectors: total(all, (w) => w.vectors),
    tables: total(all, (w) => w.tables),
    parameters: total([...unique.values()], (n) => n),
    sequenceState: total(all, (w) => w.sequenceState),
    layers: model.instances.filter((i) => i.layer !== undefined).length,
  };
}

interface GraphWork {
  readonly operations: TokenOperations;
  readonly attention: readonly AttentionWork[];
  readonly matrices: number;
  readonly tables: number;
  readonly vectors: number;
  readonly sequenceState: number;
}

function graphWork(graph: Graph): GraphWork {
  const states = graphStates(graph);
  const tables = new Set(graph.nodes.filter((n) => n.op === 'embed').map((n) => n.inputs[1]!));
  const isTable = (path: string): boolean =>
    [...tables].some((id) => (graph.nodes[id] as GraphNode<'parameter'>).attributes.path === path);
  const sizes = (wanted: (p: Graph['parameters'][number]) => boolean): number =>
    total(graph.parameters.filter(wanted), (p) => elementsOf(p.type));
  return {
    operations: graph.nodes.reduce((sum, node) => add(sum, operationsOf(graph, node)), NONE),
    attention: graph.nodes.flatMap((n) => (n.op === 'attend' ? [attentionOf(graph, n as GraphNode<'attend'>)] : [])),
    matrices: sizes((p) => p.role === 'matrix' && !isTable(p.path)),
    tables: sizes((p) => p.role === 'matrix' && isTable(p.path)),
    vectors: sizes((p) => p.role === 'vector'),
    sequenceState: total(states, ({ state, elements }) => (state.kind === 'sequence' ? elements : 0)),
  };
}

function add(a: TokenOperations, b: TokenOperations): TokenOperations {
  return {
    linear: a.linear + b.linear,
    recurrence: a.recurrence + b.recurrence,
    convolution: a.convolution + b.convolution,
    pointwise: a.pointwise + b.pointwise,
  };
}

function attentionOf(graph: Graph, node: GraphNode<'attend'>): AttentionWork {
  const [q, k, v] = node.inputs.map((i) => elementsPerToken(graph.nodes[i]!.type)) as [number, number, number];
  const { window } = node.attributes;
  return {
    // Scores: one product a channel of q; results: one a channel of y. The softmax is small beside them.
    operationsPerKey: 2 * (q + elementsPerToken(node.type)),
    elements: k + v,
    ...(window === undefined ? {} : { window }),
  };
}

const FREE: ReadonlySet<string> = new Set([
  ...['parameter', 'input', 'constant', 'position', 'embed', 'attend', 'scan_state', 'scan_input', 'spectral_norm'],
  ...['reshape', 'rename', 'slice', 'transpose', 'broadcast', 'concat', 'pad'],
]);
const REDUCTIONS: ReadonlySet<string> = new Set(['sum', 'mean', 'amax', 'amin']);

function operationsOf(graph: Graph, node: GraphNode): TokenOperations {
  if (FREE.has(node.op) || !hasTime(node.type)) return NONE;
  const typeOf = (i: number): TensorType => graph.nodes[node.inputs[i]!]!.type;
  switch (node.op) {
    case 'linear': {
      const { in: contracted } = (node as GraphNode<'linear'>).attributes;
      const inputs = typeOf(0)
        .dims.filter((d) => contracted.includes(d.name))
        .reduce((n, d) => n * (d.extent as number), 1);
      return { ...NONE, linear: 2 * inputs * elementsPerToken(node.type) };
    }
    case 'conv1d':
      return {
        ...NONE,
        convolution: 2 * (node as GraphNode<'conv1d'>).attributes.kernel * elementsPerToken(node.type),
      };
    case 'ssd': {
      // S = a S + (dt x) ⊗ B: three operations an element; y = S C: two. Chunks of matrix products take about as many.
      const { heads, head_dim, state } = (node as GraphNode<'ssd'>).attributes;
      return { ...NONE, recurrence: 5 * heads * head_dim * state };
    }
    case 'scan':
      return { ...NONE, recurrence: bodyOperations((node as GraphNode<'scan'>).attributes.body) };
    case 'rope':
      return { ...NONE, pointwise: 3 * elementsPerToken(node.type) };
    default:
      return { ...NONE, pointwise: elementsPerToken(REDUCTIONS.has(node.op) ? typeOf(0) : node.type) };
  }
}

function bodyOperations(body: ScanBody): number {
  return total(
    body.nodes.filter((n) => !FREE.has(n.op)),
    (n) => elementsOf(REDUCTIONS.has(n.op) ? body.nodes[n.inputs[0]!]!.type : n.type),
  );
}
