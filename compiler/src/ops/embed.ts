import { hasTime, printType, tensor } from '../graph/types.js';
import { ShapeError } from './op.js';
import type { OpDefinition } from './op.js';
import { requireExtents, requireInputs } from './shape.js';

export const embed: OpDefinition<'embed'> = {
  name: 'embed',
  doc: 'Inputs: tokens u32[time], table [vocab, width]. The row of each token.',
  infer: (inputs) => {
    requireInputs('embed', inputs, 2);
    const [tokens, table] = inputs;
    if (tokens!.dtype !== 'u32' || tokens!.dims.length !== 1 || !hasTime(tokens!)) {
      throw new ShapeError('embed looks tokens up', { expected: 'u32[time]', found: printType(tokens!), input: 0 });
    }
    requireExtents('embed', 'the table', inputs, 1, [undefined, undefined], ['vocab', 'width']);
    return tensor([tokens!.dims[0]!, table!.dims[1]!]);
  },
  evaluate: ([tokens, table], _attributes, context) => {
    const [vocab, width] = table!.shape as [number, number];
    const data = new Float64Array(context.tokens * width);
    tokens!.data.forEach((token, t) => {
      if (!(Number.isInteger(token) && token >= 0 && token < vocab))
        throw new RangeError(`token ${token} is not below ${vocab}`);
      data.set(table!.data.subarray(token * width, (token + 1) * width), t * width);
    });
    return { shape: [context.tokens, width], data };
  },
  gradient: (builder, { inputs }, g) => [
    undefined,
    builder.add('embed_gradient', [inputs[0]!, g], { dims: builder.typeOf(inputs[1]!).dims }),
  ],
};
