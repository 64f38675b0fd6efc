import { tensor } from '../../graph/types.js';
import { shapeOf, sizeOf } from '../layout.js';
import { ShapeError } from '../op.js';
import type { OpDefinition } from '../op.js';
import { requireDim, requireInputs, requireWellFormed } from '../shape.js';

export const pad: OpDefinition<'pad'> = {
  name: 'pad',
  doc: 'Adds zeros before and after along one dimension, which may get another name: the gradient of `slice`.',
  infer: (inputs, { dim, before, after, name }) => {
    requireInputs('pad', inputs, 1);
    const { extent } = requireDim('pad', inputs, 0, dim);
    if (extent === 'time') throw new ShapeError('pad: `time` cannot be lengthened');
    if (!(Number.isInteger(before) && Number.isInteger(after) && before >= 0 && after >= 0)) {
      throw new ShapeError('pad adds whole numbers of zeros', { found: `${before}, ${after}` });
    }
    const dims = inputs[0]!.dims.map((d) => (d.name === dim ? { name, extent: extent + before + after } : d));
    requireWellFormed('pad', dims);
    return tensor(dims, inputs[0]!.dtype);
  },
  evaluate: ([x], { dim, before, after }, { tokens, types }) => {
    const axis = types.inputs[0]!.dims.findIndex((d) => d.name === dim);
    const inner = sizeOf(x!.shape.slice(axis + 1));
    const length = x!.shape[axis]! * inner;
    const to = length + (before + after) * inner;
    const shape = shapeOf(types.output.dims, tokens);
    const data = new Float64Array(sizeOf(shape));
    for (let row = 0; row * to < data.length; row++) {
      data.set(x!.data.subarray(row * length, (row + 1) * length), row * to + before * inner);
    }
    return { shape, data };
  },
  gradient: (builder, { inputs, attributes }, g) => {
    const { extent } = builder.typeOf(inputs[0]!).dims.find((d) => d.name === attributes.dim)!;
    return [
      builder.add('slice', [g], {
        dim: attributes.name,
        start: attributes.before,
        end: attributes.before + (extent as number),
        name: attributes.dim,
      }),
    ];
  },
};
