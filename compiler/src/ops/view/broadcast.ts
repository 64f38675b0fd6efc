import { printType, tensor } from '../../graph/types.js';
import { arrange, shapeOf } from '../layout.js';
import { ShapeError } from '../op.js';
import type { OpDefinition } from '../op.js';
import { unbroadcast } from '../pointwise/unbroadcast.js';
import { printDims, requireInputs, requireWellFormed } from '../shape.js';

export const broadcast: OpDefinition<'broadcast'> = {
  name: 'broadcast',
  doc: 'Repeats the tensor along the dimensions it lacks; the result has exactly the given ones, in their order.',
  infer: (inputs, { dims }) => {
    requireInputs('broadcast', inputs, 1);
    const type = inputs[0]!;
    // Weights may have two dimensions of one name; only scalars are repeated to such a shape.
    if (type.dims.length > 0) requireWellFormed('broadcast', dims);
    for (const d of type.dims) {
      if (dims.some((to) => to.name === d.name && to.extent === d.extent)) continue;
      throw new ShapeError(`broadcast: the result lacks \`${d.name}\``, {
        expected: printDims(dims),
        found: printType(type),
        input: 0,
      });
    }
    return tensor(dims, type.dtype);
  },
  evaluate: ([x], { dims }, { tokens, types }) => ({
    shape: shapeOf(dims, tokens),
    data: arrange(x!, types.inputs[0]!.dims, dims, tokens),
  }),
  gradient: (builder, { inputs }, g) => [unbroadcast(builder, g, builder.typeOf(inputs[0]!))],
};
