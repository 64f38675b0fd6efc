import { tensor } from '../../graph/types.js';
import { arrange, shapeOf, sizeOf } from '../layout.js';
import type { OpDefinition } from '../op.js';
import { broadcastDims, requireBool, requireFloat, requireInputs } from '../shape.js';
import type { ScalarForm } from './pointwise.js';
import { unbroadcast } from './unbroadcast.js';

export const where: OpDefinition<'where'> & { readonly scalar: ScalarForm } = {
  name: 'where',
  doc: 'Inputs: condition, a, b. a where the condition holds, b elsewhere; the other one may be anything, infinite too.',
  scalar: { form: 'select' },
  infer: (inputs) => {
    requireInputs('where', inputs, 3);
    requireBool('where', inputs, 0);
    requireFloat('where', inputs, 1);
    requireFloat('where', inputs, 2);
    return tensor(broadcastDims('where', inputs));
  },
  evaluate: (inputs, _attributes, { tokens, types }) => {
    const { dims } = types.output;
    const shape = shapeOf(dims, tokens);
    const [condition, a, b] = inputs.map((value, i) => arrange(value, types.inputs[i]!.dims, dims, tokens));
    const data = new Float64Array(sizeOf(shape));
    for (let i = 0; i < data.length; i++) data[i] = condition![i] !== 0 ? a![i]! : b![i]!;
    return { shape, data };
  },
  gradient: (builder, { inputs }, g) => {
    const [condition, a, b] = [inputs[0]!, inputs[1]!, inputs[2]!];
    const zero = builder.constant(0);
    return [
      undefined,
      unbroadcast(builder, builder.add('where', [condition, g, zero], {}), builder.typeOf(a)),
      unbroadcast(builder, builder.add('where', [condition, zero, g], {}), builder.typeOf(b)),
    ];
  },
};
