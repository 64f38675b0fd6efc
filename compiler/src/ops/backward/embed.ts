import { hasTime, printType, tensor } from '../../graph/types.js';
import { shapeOf, sizeOf } from '../layout.js';
import { ShapeError } from '../op.js';
import type { OpDefinition } from '../op.js';
import { requireExtents, requireInputs } from '../shape.js';

export const embed_gradient: OpDefinition<'embed_gradient'> = {
  name: 'embed_gradient',
  doc: "Inputs: tokens, gradient of the result of `embed`. Each token's gradient is added to its row of the table.",
  infer: (inputs, { dims }) => {
    requireInputs('embed_gradient', inputs, 2);
    if (inputs[0]!.dtype !== 'u32' || !hasTime(inputs[0]!)) {
      throw new ShapeError('embed_gradient needs the tokens', {
        expected: 'u32[time]',
        found: printType(inputs[0]!),
        input: 0,
      });
    }
    requireExtents('embed_gradient', 'the gradient', inputs, 1, ['time', dims[1]!.extent], ['time', 'width']);
    return tensor(dims);
  },
  evaluate: ([tokens, g], { dims }) => {
    const shape = shapeOf(dims, 0);
    const width = shape[1]!;
    const data = new Float64Array(sizeOf(shape));
    tokens!.data.forEach((token, t) => {
      for (let i = 0; i < width; i++) data[token * width + i]! += g!.data[t * width + i]!;
    });
    return { shape, data };
  },
};
