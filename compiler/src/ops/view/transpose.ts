import { printType, tensor } from '../../graph/types.js';
import { arrange, shapeOf } from '../layout.js';
import { ShapeError } from '../op.js';
import type { OpDefinition } from '../op.js';
import { requireDim, requireInputs, requireWellFormed } from '../shape.js';

export const transpose: OpDefinition<'transpose'> = {
  name: 'transpose',
  doc: 'Dimensions in another order; `time` stays first.',
  infer: (inputs, { order }) => {
    requireInputs('transpose', inputs, 1);
    const dims = order.map((name) => requireDim('transpose', inputs, 0, name));
    if (order.length !== inputs[0]!.dims.length || new Set(order).size !== order.length) {
      throw new ShapeError('transpose must name each dimension once', {
        expected: printType(inputs[0]!),
        found: `[${order.join(', ')}]`,
        input: 0,
      });
    }
    requireWellFormed('transpose', dims);
    return tensor(dims, inputs[0]!.dtype);
  },
  evaluate: ([x], _attributes, { tokens, types }) => ({
    shape: shapeOf(types.output.dims, tokens),
    data: arrange(x!, types.inputs[0]!.dims, types.output.dims, tokens),
  }),
  gradient: (builder, { inputs }, g) => [
    builder.add('transpose', [g], { order: builder.typeOf(inputs[0]!).dims.map((d) => d.name) }),
  ],
};
