/** In which formats a model's linear maps compute, and how much of its work that is. */
import type { CheckedModel } from '../compile.js';
import { isScaled } from '../grad/scale.js';
import { parameterPath } from '../graph/graph.js';
import type { GraphNode } from '../graph/graph.js';
import type { Dtype } from '../graph/types.js';
import type { OpAttributes } from '../ops/attributes.js';
import { elementsOf, graphOf, total } from './instances.js';

export interface LinearFormats {
  /** Of the weight. */
  readonly path: string;
  readonly weights: Dtype;
  /** Of what it reads; f32 also where nothing has been rounded. */
  readonly activations: Dtype;
  /** Of its result's gradient, as the products of the backward pass read it. */
  readonly gradients: Dtype;
  /** Multiplications and additions for one token; the backward pass has twice as many. */
  readonly operations: number;
}

/** Every linear map of the layers, in order; the head's is not among them, as in `linears`. */
export function linearFormats({
  graph: model,
  formats,
}: Pick<CheckedModel, 'graph' | 'formats'>): readonly LinearFormats[] {
  return model.instances.slice(0, -1).flatMap((instance) => {
    const { nodes } = graphOf(model, instance);
    return nodes.flatMap((node) => {
      if (node.op !== 'linear') return [];
      const { attributes, inputs } = node as GraphNode<'linear'>;
      const [input, weight] = inputs.map((id) => nodes[id]!);
      if (weight?.op !== 'parameter') return [];
      const path = parameterPath(instance, (weight.attributes as OpAttributes['parameter']).path);
      return {
        path,
        weights: formats.get(path) ?? 'f32',
        activations: input?.op === 'cast' ? (input.attributes as OpAttributes['cast']).to : 'f32',
        gradients: attributes.gradient ?? 'f32',
        operations: 2 * elementsOf(weight.type),
      };
    });
  });
}

/** Share of the operations of linear maps whose products, forward and backward, read 8-bit values only. */
export function eightBitShare(linears: readonly LinearFormats[]): number {
  const operations = (rows: readonly LinearFormats[]): number => total(rows, (row) => row.operations);
  const all = operations(linears);
  const narrow = linears.filter((row) => [row.weights, row.activations, row.gradients].every(isScaled));
  return all === 0 ? 0 : operations(narrow) / all;
}
