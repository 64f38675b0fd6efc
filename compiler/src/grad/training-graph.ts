/**
 * From a layer's joint graph to what its training program computes: which values of the forward pass are kept, and the graph
 * of the backward pass, in which linear maps of one value have one gradient, as they are one matrix.
 */
import { fusionClass } from '../fuse/classes.js';
import { consumersOf } from '../fuse/linear-groups.js';
import type { LinearSet } from '../fuse/linear-groups.js';
import { createGraphBuilder } from '../graph/builder.js';
import type { LayerGraphBuilder } from '../graph/builder.js';
import type { Graph, GraphNode, NodeId } from '../graph/graph.js';
import { dim, elementsPerToken, tensor } from '../graph/types.js';
import type { Dim } from '../graph/types.js';
import type { OpAttributes, OpName } from '../ops/attributes.js';
import { splitDims } from '../ops/linear.js';
import { sameDims } from '../ops/shape.js';
import { differentiate } from './differentiate.js';
import type { GradientGraph } from './differentiate.js';
import { roundScaled, scaleCasts } from './scale.js';
import type { Scaling } from './scale.js';

/** A summand of the gradient of a parameter, or of a matrix of several. Nodes of the backward graph. */
export type GradientTerm =
  | {
      readonly kind: 'matrix';
      readonly parameters: readonly string[];
      readonly interleaved: boolean;
      readonly node: NodeId;
    }
  | { readonly kind: 'embed'; readonly parameter: string; readonly node: NodeId }
  /** A value of the parameter's own shape. */
  | { readonly kind: 'elements'; readonly parameter: string; readonly node: NodeId };

export interface TrainingGraph {
  /**
   * Reads `x` or the tokens, `gradient` (that of the result), and kept values; computes again what else it needs. Its
   * `output` is the gradient of `x` where there is one.
   */
  readonly backward: Graph;
  /** Nodes of the forward graph whose values the backward graph reads. */
  readonly kept: readonly NodeId[];
  /** Nodes of the forward graph that the backward graph computes again or reads as kept. */
  readonly forward: ReadonlyMap<NodeId, NodeId>;
  /** Gradient of the residual stream. */
  readonly input?: NodeId;
  readonly terms: readonly GradientTerm[];
}

export interface TrainingGraphOptions {
  /** Which linear maps of the graph's `forwardGraph` are one matrix. */
  readonly sets: readonly LinearSet[];
  /** Whether the forward pass may keep a node's value. */
  readonly keep: (node: GraphNode) => boolean;
  /** The graph ends in logits: the gradient that it starts from is that of the loss. */
  readonly loss?: boolean;
  readonly scaling: Scaling;
}

/** Values worth keeping: those that are dear to compute again. */
export function isDear(node: GraphNode): boolean {
  return fusionClass(node.op) === 'anchor' && node.op !== 'embed';
}

/** What the forward pass of training computes of a layer's graph: the same, with 8-bit formats scaled. */
export function forwardGraph(graph: Graph, scaling: Scaling): Graph {
  return scaleCasts(graph, scaling).graph;
}

/**
 * @param graph as it was traced; kept nodes are those of its `forwardGraph`
 * @throws Error where a parameter takes part in a way that no kernel can train
 */
export function trainingGraph(graph: Graph, options: TrainingGraphOptions): TrainingGraph {
  // Rounding is differentiated as it stands: the scales are constants to it.
  const joint = differentiate(graph);
  const scaled = scaleCasts(joint, options.scaling);
  const { input, parameters } = joint.gradients;
  const gradients = {
    ...(input === undefined ? {} : { input: scaled.moved(input) }),
    parameters: Object.fromEntries(Object.entries(parameters).map(([path, id]) => [path, scaled.moved(id)])),
  };
  return new Rewriter(forwardGraph(graph, options.scaling), { ...scaled.graph, gradients }, options).run();
}

class Rewriter {
  readonly #builder: LayerGraphBuilder;
  /** Nodes of the joint graph in the new one; null: zero, since its value is part of another's. */
  readonly #moved = new Map<NodeId, NodeId | null>();
  readonly #consumers: readonly (readonly NodeId[])[];
  /** Nodes of the forward graph in the joint one. */
  readonly #forward: ReadonlyMap<NodeId, NodeId>;

  constructor(
    readonly graph: Graph,
    readonly joint: GradientGraph,
    readonly options: TrainingGraphOptions,
  ) {
    const stream = graph.nodes.find((n) => n.op === 'input' && nameOf(n) === 'x');
    const width = stream?.type.dims.at(-1)?.extent;
    this.#builder = createGraphBuilder({ width: typeof width === 'number' ? width : 0 });
    this.#consumers = consumersOf(joint);
    this.#forward = forwardIds(graph, joint);
  }

  run(): TrainingGraph {
    const { joint, graph } = this;
    for (const parameter of graph.parameters) this.#declare(parameter.path);
    const merged = this.#mergedInputGradients();
    for (const node of joint.nodes) this.#moved.set(node.id, this.#copy(node, merged));
    const terms = graph.parameters.flatMap(({ path }) => {
      const root = joint.gradients.parameters[path];
      return root === undefined ? [] : this.#terms(path, root);
    });
    const { input } = joint.gradients;
    return this.#prune(unique(terms), input === undefined ? undefined : this.#at(input));
  }

  #declare(path: string): NodeId {
    return this.#builder.parameter(this.graph.parameters.find((p) => p.path === path)!);
  }

  #at(id: NodeId): NodeId {
    const moved = this.#moved.get(id);
    if (typeof moved !== 'number') throw new Error('a gradient that is part of another has no value of its own');
    return moved;
  }

  #copy(node: GraphNode, merged: ReadonlyMap<NodeId, MergedGradient>): NodeId | null {
    const builder = this.#builder;
    if (node.op === 'parameter') return this.#declare((node as GraphNode<'parameter'>).attributes.path);
    if (node.op === 'input') {
      const name = nameOf(node);
      if (name === 'gradient' && this.options.loss === true)
        return builder.add('cross_entropy_gradient', [this.#at(this.joint.output)], {}, { label: 'loss_gradient' });
      return builder.input(name, node.type);
    }
    const part = merged.get(node.id);
    if (part !== undefined) return part.carries ? this.#matrixInputGradient(part, node) : null;
    const inputs = node.inputs.map((i) => this.#moved.get(i)!);
    if (inputs.some((i) => i === null)) {
      if (node.op !== 'add') return null;
      return inputs.find((i) => i !== null) ?? null;
    }
    const details = {
      ...(node.label !== undefined && { label: node.label }),
      ...(node.origin !== undefined && { origin: node.origin }),
    };
    return builder.add<OpName>(node.op, inputs as NodeId[], node.attributes, details);
  }

  /** Forward linears of a set, as nodes of the joint graph. */
  #linears(set: LinearSet): readonly GraphNode<'linear'>[] {
    return set.anchors.map((id) => this.joint.nodes[this.#forward.get(id)!] as GraphNode<'linear'>);
  }

  #inputGradientOf(linear: GraphNode<'linear'>): NodeId | undefined {
    const gradient = this.#resultGradientOf(linear);
    return this.joint.nodes.find(
      (n) => n.op === 'linear_input_gradient' && n.inputs[0] === gradient && n.inputs[1] === linear.inputs[1],
    )?.id;
  }

  /** Gradient of a linear's result, if any flows: what its weight's gradient reads beside the input. */
  #resultGradientOf(linear: GraphNode<'linear'>): NodeId | undefined {
    return this.joint.nodes.find(
      (n) =>
        n.op === 'linear_weight_gradient' &&
        n.inputs[1] === linear.inputs[0] &&
        this.#feeds(n.id, (this.joint.nodes[linear.inputs[1]!] as GraphNode<'parameter'>).attributes.path),
    )?.inputs[0];
  }

  /** Whether a node is a summand of a parameter's gradient. */
  #feeds(id: NodeId, path: string): boolean {
    const root = this.joint.gradients.parameters[path];
    return root !== undefined && this.#summands(root).includes(id);
  }

  #summands(root: NodeId): readonly NodeId[] {
    const node = this.joint.nodes[root]!;
    return node.op === 'add' && node.inputs.every((i) => sameDims(this.joint.nodes[i]!.type.dims, node.type.dims))
      ? node.inputs.flatMap((i) => this.#summands(i))
      : [root];
  }

  /** Input gradients by node; those of a set that end in one sum are computed together, where the last of them stands. */
  #mergedInputGradients(): ReadonlyMap<NodeId, MergedGradient> {
    const merged = new Map<NodeId, MergedGradient>();
    for (const set of this.options.sets) {
      const parts = this.#linears(set).flatMap((linear, place) => {
        const id = this.#inputGradientOf(linear);
        return id === undefined ? [] : [{ id, place }];
      });
      const together = this.#endInOneSum(parts.map(({ id }) => id));
      const last = Math.max(...parts.map(({ id }) => id));
      for (const { id, place } of parts) {
        merged.set(id, together ? { set, carries: id === last } : { set, carries: true, only: place });
      }
    }
    return merged;
  }

  #endInOneSum(ids: readonly NodeId[]): boolean {
    const paths = ids.map((id) => this.#sumsAbove(id));
    return ids.length <= 1 || paths[0]!.some((id) => paths.every((path) => path.includes(id)));
  }

  /** Sums that a node is a summand of, and of nothing else, from the innermost on. */
  #sumsAbove(id: NodeId): readonly NodeId[] {
    const path: NodeId[] = [];
    for (let at = id; ;) {
      const [next, ...more] = this.#consumers[at]!;
      if (next === undefined || more.length > 0) return path;
      const node = this.joint.nodes[next]!;
      if (node.op === 'add') path.push(next);
      else if (node.op !== 'transpose') return path;
      at = next;
    }
  }

  /** Gradients of the results of a set, as those of its matrix; with `only`, zeros but for one. */
  #stack(set: LinearSet, only?: number): NodeId {
    const builder = this.#builder;
    const parts = this.#linears(set).map((linear, place) => {
      const gradient = only === undefined || only === place ? this.#resultGradientOf(linear) : undefined;
      if (gradient !== undefined) return this.#at(gradient);
      return builder.add('broadcast', [builder.constant(0)], { dims: linear.type.dims });
    });
    const first = this.#linears(set)[0]!;
    const { kept } = splitDims(this.joint.nodes[first.inputs[0]!]!.type, first.attributes.in);
    // Linear maps of one value are one product, so its rules are theirs.
    const format = first.attributes.gradient ?? 'f32';
    if (parts.length > 1) {
      const attributes = { kept: kept.map((d) => d.name), interleaved: set.interleave > 1 };
      const stacked = builder.add('stack', parts, attributes, { label: `${this.#labelOf(first)}.gradients` });
      return roundScaled(builder, stacked, format, this.options.scaling);
    }
    const dims: readonly Dim[] = [...kept, dim('rows', elementsPerToken(tensor(first.attributes.out)))];
    return builder.add('reshape', [roundScaled(builder, parts[0]!, format, this.options.scaling)], { dims });
  }

  #labelOf(node: GraphNode): string {
    return node.label ?? node.op;
  }

  #matrixInputGradient({ set, only }: MergedGradient, node: GraphNode): NodeId {
    const linears = this.#linears(set);
    const weights = linears.map((linear) => this.#at(linear.inputs[1]!));
    const attributes = {
      in: (node as GraphNode<'linear_input_gradient'>).attributes.in,
      interleaved: set.interleave > 1,
    };
    const label = `${this.#labelOf(linears[only ?? 0]!)}.input_gradient`;
    return this.#builder.add('matrix_input_gradient', [this.#stack(set, only), ...weights], attributes, { label });
  }

  #terms(path: string, root: NodeId): readonly GradientTerm[] {
    const { joint } = this;
    return this.#summands(root).map((id): GradientTerm => {
      const node = joint.nodes[id]!;
      if (node.op === 'embed_gradient') return { kind: 'embed', parameter: path, node: this.#at(id) };
      if (node.op !== 'linear_weight_gradient') return { kind: 'elements', parameter: path, node: this.#at(id) };
      const set = this.options.sets.find((s) =>
        this.#linears(s).some(
          (l) =>
            l.inputs[0] === node.inputs[1] &&
            (joint.nodes[l.inputs[1]!] as GraphNode<'parameter'>).attributes.path === path,
        ),
      );
      if (set === undefined)
        throw new Error(`${this.graph.name}: the weight ${path} is not read by a linear map alone`);
      const linears = this.#linears(set);
      const x = this.#at(linears[0]!.inputs[0]!);
      const of = linears.map((l) => (joint.nodes[l.inputs[1]!] as GraphNode<'parameter'>).attributes.path);
      const product = this.#builder.add(
        'matrix_weight_gradient',
        [this.#stack(set), x],
        { in: linears[0]!.attributes.in, of },
        { label: `${this.#labelOf(linears[0]!)}.weight_gradient` },
      );
      return {
        kind: 'matrix',
        parameters: of,
        interleaved: set.interleave > 1,
        node: product,
      };
    });
  }

  /** Cuts the graph down to what the backward pass computes, with leaves for what was kept. */
  #prune(terms: readonly GradientTerm[], input: NodeId | undefined): TrainingGraph {
    const { graph, options } = this;
    const roots = [...terms.map((t) => t.node), ...(input === undefined ? [] : [input])];
    const { graph: whole, roots: ids } = this.#builder.finishAll(graph.name, this.#at(this.joint.output), roots);
    const forward = forwardIds(graph, whole);
    const back = new Map([...forward].map(([from, to]) => [to, from] as const));
    const kept = new Set<NodeId>();
    const needed = new Set<NodeId>();
    const visit = (id: NodeId): void => {
      if (needed.has(id)) return;
      needed.add(id);
      const from = back.get(id);
      if (from !== undefined && isDear(graph.nodes[from]!) && options.keep(graph.nodes[from]!)) {
        kept.add(from);
        return;
      }
      const node = whole.nodes[id]!;
      node.inputs.forEach(visit);
      // A matrix product is computed as a whole.
      const set = from === undefined ? undefined : options.sets.find((s) => s.anchors.includes(from));
      set?.anchors.forEach((anchor) => forward.has(anchor) && visit(forward.get(anchor)!));
    };
    ids.forEach(visit);
    const order = new Map<NodeId, NodeId>();
    const nodes: GraphNode[] = [];
    for (const node of whole.nodes) {
      if (!needed.has(node.id)) continue;
      const id = nodes.length;
      order.set(node.id, id);
      const from = back.get(node.id);
      if (from !== undefined && kept.has(from)) {
        nodes.push({ ...node, id, op: 'kept', inputs: [], attributes: { node: from } });
      } else nodes.push({ ...node, id, inputs: node.inputs.map((i) => order.get(i)!) });
    }
    const result = ids.map((id) => order.get(id)!);
    return {
      backward: {
        name: graph.name,
        nodes,
        parameters: graph.parameters,
        output: input === undefined ? (result[0] ?? 0) : result.at(-1)!,
      },
      kept: [...kept].sort((a, b) => a - b),
      forward: new Map([...order].flatMap(([id, at]) => (back.has(id) ? [[back.get(id)!, at] as const] : []))),
      ...(input === undefined ? {} : { input: result.at(-1)! }),
      terms: terms.map((term, i) => ({ ...term, node: result[i]! })),
    };
  }
}

interface MergedGradient {
  readonly set: LinearSet;
  /** Has the gradient of the whole set, or of one of its maps; the others are part of it. */
  readonly carries: boolean;
  /** Place in the set of the one whose gradient this is, where they do not end in one sum. */
  readonly only?: number;
}

function nameOf(node: GraphNode): OpAttributes['input']['name'] {
  return (node as GraphNode<'input'>).attributes.name;
}

/** Several parameters of one matrix have one term. */
function unique(terms: readonly GradientTerm[]): readonly GradientTerm[] {
  const seen = new Set<NodeId>();
  return terms.filter((term) => {
    if (term.kind !== 'matrix') return true;
    if (seen.has(term.node)) return false;
    seen.add(term.node);
    return true;
  });
}

/** Where the nodes of a graph are in another that has them all in the same order, with others in between. */
function forwardIds(graph: Graph, whole: Graph): ReadonlyMap<NodeId, NodeId> {
  const ids = new Map<NodeId, NodeId>();
  const byContent = new Map<string, NodeId>();
  const key = (node: GraphNode, inputs: readonly NodeId[]): string =>
    JSON.stringify([node.op, inputs, node.attributes]);
  for (const node of whole.nodes) byContent.set(key(node, node.inputs), node.id);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((i) => ids.get(i) ?? -1);
    const found = byContent.get(key(node, inputs));
    if (found !== undefined) ids.set(node.id, found);
  }
  return ids;
}
