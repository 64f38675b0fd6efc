import { printType, tensor } from '../../graph/types.js';
import { shapeOf, sizeOf } from '../layout.js';
import { ShapeError } from '../op.js';
import type { OpDefinition } from '../op.js';
import { printDims, requireDim, requireInputs, requireWellFormed } from '../shape.js';

export const concat: OpDefinition<'concat'> = {
  name: 'concat',
  doc: 'Joins tensors along one dimension; the others agree. The joined dimension may get another name.',
  infer: (inputs, { dim, name }) => {
    requireInputs('concat', inputs, 1, Infinity);
    const first = inputs[0]!;
    let total = 0;
    inputs.forEach((type, i) => {
      const { extent } = requireDim('concat', inputs, i, dim);
      if (extent === 'time') throw new ShapeError('concat: sequences cannot be joined along `time`');
      total += extent;
      const agrees =
        type.dtype === first.dtype &&
        type.dims.length === first.dims.length &&
        type.dims.every(
          (d, k) => d.name === first.dims[k]!.name && (d.name === dim || d.extent === first.dims[k]!.extent),
        );
      if (!agrees) {
        throw new ShapeError(`concat: the tensors differ in more than \`${dim}\``, {
          expected: printDims(first.dims),
          found: printType(type),
          input: i,
        });
      }
    });
    const dims = first.dims.map((d) => (d.name === dim ? { name, extent: total } : d));
    requireWellFormed('concat', dims);
    return tensor(dims, first.dtype);
  },
  evaluate: (inputs, { dim }, { tokens, types }) => {
    const axis = types.inputs[0]!.dims.findIndex((d) => d.name === dim);
    const shape = shapeOf(types.output.dims, tokens);
    const data = new Float64Array(sizeOf(shape));
    const to = sizeOf(shape.slice(axis));
    let at = 0;
    for (const { shape: own, data: values } of inputs) {
      const length = sizeOf(own.slice(axis));
      for (let row = 0; row * length < values.length; row++) {
        data.set(values.subarray(row * length, (row + 1) * length), row * to + at);
      }
      at += length;
    }
    return { shape, data };
  },
  gradient: (builder, { inputs, attributes }, g) => {
    let start = 0;
    return inputs.map((input) => {
      const { extent } = builder.typeOf(input).dims.find((d) => d.name === attributes.dim)!;
      const end = start + (extent as number);
      const part = builder.add('slice', [g], { dim: attributes.name, start, end, name: attributes.dim });
      start = end;
      return part;
    });
  },
};
