import { tensor } from '../../graph/types.js';
import { shapeOf, sizeOf } from '../layout.js';
import { ShapeError } from '../op.js';
import type { OpDefinition } from '../op.js';
import { requireDim, requireInputs, requireWellFormed } from '../shape.js';

export const slice: OpDefinition<'slice'> = {
  name: 'slice',
  doc: 'A half-open range of one dimension, which may get another name.',
  infer: (inputs, { dim, start, end, name }) => {
    requireInputs('slice', inputs, 1);
    const { extent } = requireDim('slice', inputs, 0, dim);
    if (extent === 'time') throw new ShapeError('slice: `time` cannot be cut');
    if (!(Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start < end && end <= extent)) {
      throw new ShapeError('slice: the range is not within the dimension', {
        expected: `a range within 0..${extent}`,
        found: `${start}..${end}`,
        input: 0,
      });
    }
    const dims = inputs[0]!.dims.map((d) => (d.name === dim ? { name, extent: end - start } : d));
    requireWellFormed('slice', dims);
    return tensor(dims, inputs[0]!.dtype);
  },
  evaluate: ([x], { dim, start, end }, { tokens, types }) => {
    const axis = types.inputs[0]!.dims.findIndex((d) => d.name === dim);
    const inner = sizeOf(x!.shape.slice(axis + 1));
    const from = x!.shape[axis]! * inner;
    const length = (end - start) * inner;
    const shape = shapeOf(types.output.dims, tokens);
    const data = new Float64Array(sizeOf(shape));
    for (let row = 0; row * length < data.length; row++) {
      const at = row * from + start * inner;
      data.set(x!.data.subarray(at, at + length), row * length);
    }
    return { shape, data };
  },
  gradient: (builder, { inputs, attributes }, g) => {
    const whole = builder.typeOf(inputs[0]!).dims.find((d) => d.name === attributes.dim)!;
    return [
      builder.add('pad', [g], {
        dim: attributes.name,
        before: attributes.start,
        after: (whole.extent as number) - attributes.end,
        name: attributes.dim,
      }),
    ];
  },
};
