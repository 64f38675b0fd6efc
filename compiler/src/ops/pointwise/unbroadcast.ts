import type { NodeBuilder } from '../../graph/builder.js';
import type { NodeId } from '../../graph/graph.js';
import type { TensorType } from '../../graph/types.js';
import { sameDims } from '../shape.js';

/**
 * The gradient of an operand that was repeated: summed over the dimensions that the operand lacks (`time` among them,
 * for parameters), in the operand's order.
 */
export function unbroadcast(builder: NodeBuilder, gradient: NodeId, operand: TensorType): NodeId {
  const { dims } = builder.typeOf(gradient);
  if (sameDims(dims, operand.dims)) return gradient;
  const kept = new Set(operand.dims.map((d) => d.name));
  // A weight may have two dimensions of one name; it only meets scalars and tensors of its own shape.
  const lost = operand.dims.length === 0 ? dims : dims.filter((d) => !kept.has(d.name));
  const summed =
    lost.length === 0 ? gradient : builder.add('sum', [gradient], { dims: [...new Set(lost.map((d) => d.name))] });
  if (sameDims(builder.typeOf(summed).dims, operand.dims)) return summed;
  return builder.add('transpose', [summed], { order: operand.dims.map((d) => d.name) });
}
