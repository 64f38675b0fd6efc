/**
 * Gradients of a layer's graph as training rounds them: products read the gradients of their results in the format that
 * `precision` says, and formats of 8 bits are scaled. Maps that are one product round by one scale, as one tensor.
 */
import { linearSets } from '../fuse/linear-groups.js';
import { createGraphBuilder } from '../graph/builder.js';
import type { LayerGraphBuilder } from '../graph/builder.js';
import type { GraphNode, Graph, NodeId } from '../graph/graph.js';
import type { Dtype } from '../graph/types.js';
import type { OpName } from '../ops/attributes.js';
import { differentiate } from './differentiate.js';
import type { GradientGraph } from './differentiate.js';
import { copyScaled, currentScale, isScaled, roundBy, roundScaled } from './scale.js';
import type { Scaling } from './scale.js';

export function differentiateRounded(graph: Graph, scaling: Scaling): GradientGraph {
  return new Rounding(differentiate(graph), scaling).run();
}

/** What a product of the backward pass reads: gradients of the results of the maps that are one matrix, by node. */
interface Product {
  readonly format: Dtype;
  readonly gradients: readonly NodeId[];
}

class Rounding {
  readonly #builder: LayerGraphBuilder = createGraphBuilder({ width: 0 });
  readonly #moved = new Map<NodeId, NodeId>();
  /** Linear maps of one value. */
  readonly #sets: readonly (readonly GraphNode<'linear'>[])[];

  constructor(
    readonly joint: GradientGraph,
    readonly scaling: Scaling,
  ) {
    this.#sets = linearSets(joint, true).map(({ anchors }) =>
      anchors.map((id) => joint.nodes[id] as GraphNode<'linear'>),
    );
  }

  run(): GradientGraph {
    const { joint } = this;
    for (const declaration of joint.parameters) this.#builder.parameter(declaration);
    const { input, parameters } = joint.gradients;
    const paths = Object.keys(parameters);
    const wanted = [...paths.map((path) => parameters[path]!), ...(input === undefined ? [] : [input])];
    const roots = wanted.map((id) => this.#at(id));
    const finished = this.#builder.finishAll(joint.name, this.#at(joint.output), roots);
    return {
      ...finished.graph,
      gradients: {
        ...(input !== undefined && { input: finished.roots.at(-1)! }),
        parameters: Object.fromEntries(paths.map((path, i) => [path, finished.roots[i]!])),
      },
    };
  }

  #at(id: NodeId): NodeId {
    const known = this.#moved.get(id);
    if (known !== undefined) return known;
    const made = this.#copy(this.joint.nodes[id]!);
    this.#moved.set(id, made);
    return made;
  }

  #copy(node: GraphNode): NodeId {
    const inputs = node.inputs.map((id) => this.#at(id));
    const product = this.#productOf(node);
    if (product !== undefined) inputs[0] = this.#round(node.inputs[0]!, product);
    return copyScaled(this.#builder, this.joint, node, inputs, this.scaling);
  }

  #productOf({ op, inputs }: GraphNode<OpName>): Product | undefined {
    if (op !== 'linear_input_gradient' && op !== 'linear_weight_gradient') return undefined;
    const [gradient, other] = inputs as [NodeId, NodeId];
    const reads = (map: GraphNode<'linear'>): boolean =>
      op === 'linear_input_gradient'
        ? map.inputs[1] === other
        : map.inputs[0] === other && this.#gradientsOf(map).includes(gradient);
    const set = this.#sets.find((maps) => maps.some(reads));
    if (set === undefined) return undefined;
    const gradients = set.length === 1 ? [gradient] : set.flatMap((map) => this.#gradientsOf(map));
    return { format: set[0]!.attributes.gradient ?? 'f32', gradients };
  }

  /** Of a map's result; a weight that several maps read has several. */
  #gradientsOf(map: GraphNode<'linear'>): readonly NodeId[] {
    return this.joint.nodes.flatMap(({ op, inputs }) =>
      op === 'linear_input_gradient' && inputs[1] === map.inputs[1] ? [inputs[0]!] : [],
    );
  }

  #round(gradient: NodeId, { format, gradients }: Product): NodeId {
    const builder = this.#builder;
    if (!isScaled(format) || this.scaling !== 'current') {
      return roundScaled(builder, this.#at(gradient), format, this.scaling);
    }
    const scales = gradients.map((id) => currentScale(builder, this.#at(id), format));
    const scale = scales.reduce((a, b) => builder.add('min', [a, b], {}));
    return roundBy(builder, this.#at(gradient), format, scale);
  }
}
