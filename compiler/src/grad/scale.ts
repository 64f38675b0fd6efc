/**
 * Rounding to 8 bits in training goes by current scaling (Micikevicius et al. 2022): a tensor is multiplied so that its largest
 * magnitude becomes the largest value of the format, rounded, and divided again. A recipe may say one factor for all tensors
 * instead. Gradients pass as they are.
 */
import { createGraphBuilder } from '../graph/builder.js';
import type { LayerGraphBuilder, NodeBuilder } from '../graph/builder.js';
import type { Graph, GraphNode, NodeId } from '../graph/graph.js';
import { hasTime } from '../graph/types.js';
import type { Dtype } from '../graph/types.js';
import { FORMATS } from '../numeric/format.js';
import type { OpAttributes, OpName } from '../ops/attributes.js';

/** Largest magnitudes below this count as this: a tensor of zeros has no scale. */
export const LEAST = 2 ** -60;

export function isScaled(format: Dtype): format is 'e4m3' | 'e5m2' {
  return format === 'e4m3' || format === 'e5m2';
}

/** `current`: by each tensor's own largest magnitude; or one factor for all of them. */
export type Scaling = 'current' | number;

/** The value rounded to a format, scaled where that is one of 8 bits. */
export function roundScaled(builder: NodeBuilder, value: NodeId, format: Dtype, scaling: Scaling): NodeId {
  if (format === 'f32') return value;
  if (!isScaled(format)) return builder.add('cast', [value], { to: format });
  return roundBy(
    builder,
    value,
    format,
    scaling === 'current' ? currentScale(builder, value, format) : builder.constant(scaling),
  );
}

/** The value times a scale, rounded, and divided again. */
export function roundBy(builder: NodeBuilder, value: NodeId, format: 'e4m3' | 'e5m2', scale: NodeId): NodeId {
  const rounded = builder.add('cast', [builder.add('mul', [value, scale], {})], { to: format });
  return builder.add('div', [rounded, scale], {}, { label: `as_${format}` });
}

/** By which a value's largest magnitude becomes the format's. */
export function currentScale(builder: NodeBuilder, value: NodeId, format: 'e4m3' | 'e5m2'): NodeId {
  const { dims } = builder.typeOf(value);
  const rows = dims.filter((d) => d.extent !== 'time').map((d) => d.name);
  let largest = builder.add('abs', [value], {});
  if (rows.length > 0) largest = builder.add('amax', [largest], { dims: rows });
  if (hasTime(builder.typeOf(value))) largest = builder.add('amax', [largest], { dims: ['time'] });
  const bounded = builder.add('max', [largest, builder.constant(LEAST)], {});
  return builder.add('div', [builder.constant(FORMATS[format].largest), bounded], {}, { label: 'scale' });
}

/**
 * The graph with every rounding to 8 bits scaled, and where its nodes went. The graph itself where there is none.
 */
export function scaleCasts(
  graph: Graph,
  scaling: Scaling,
): { readonly graph: Graph; readonly moved: (id: NodeId) => NodeId } {
  const scaled = (node: GraphNode): boolean =>
    node.op === 'cast' && isScaled((node as GraphNode<'cast'>).attributes.to);
  if (!graph.nodes.some(scaled)) return { graph, moved: (id) => id };
  const builder = createGraphBuilder({ width: 0 });
  const copies: NodeId[] = [];
  for (const declaration of graph.parameters) builder.parameter(declaration);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((input) => copies[input]!);
    copies.push(copyScaled(builder, graph, node, inputs, scaling));
  }
  const finished = builder.finishAll(graph.name, copies[graph.output]!, copies);
  return { graph: finished.graph, moved: (id) => finished.roots[id]! };
}

/**
 * A node in another graph, with a rounding to 8 bits scaled.
 *
 * @param moved its inputs there
 */
export function copyScaled(
  builder: LayerGraphBuilder,
  graph: Graph,
  node: GraphNode,
  moved: readonly NodeId[],
  scaling: Scaling,
): NodeId {
  const { op, attributes, type, label, origin } = node;
  if (op === 'parameter') {
    const { path } = attributes as OpAttributes['parameter'];
    return builder.parameter(graph.parameters.find((p) => p.path === path)!);
  }
  if (op === 'input') return builder.input((attributes as OpAttributes['input']).name, type);
  if (op === 'cast') {
    const { to } = attributes as OpAttributes['cast'];
    if (isScaled(to)) return roundScaled(builder, moved[0]!, to, scaling);
  }
  const details = { ...(label !== undefined && { label }), ...(origin !== undefined && { origin }) };
  return builder.add<OpName>(op, moved, attributes, details);
}
