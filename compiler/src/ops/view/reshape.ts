import { elementsPerToken, hasTime, printType, tensor } from '../../graph/types.js';
import { shapeOf } from '../layout.js';
import { ShapeError } from '../op.js';
import type { OpDefinition } from '../op.js';
import { printDims, requireInputs, requireWellFormed } from '../shape.js';

export const reshape: OpDefinition<'reshape'> = {
  name: 'reshape',
  doc: 'The same elements in row-major order under other dimensions; `time` stays.',
  infer: (inputs, { dims }) => {
    requireInputs('reshape', inputs, 1);
    const type = inputs[0]!;
    const result = tensor(dims, type.dtype);
    requireWellFormed('reshape', dims);
    if (elementsPerToken(result) !== elementsPerToken(type) || hasTime(result) !== hasTime(type)) {
      throw new ShapeError('reshape must keep the number of elements', {
        expected: `${printDims(type.dims)}, ${elementsPerToken(type)} elements${hasTime(type) ? ' a token' : ''}`,
        found: `${printDims(dims)}, ${elementsPerToken(result)} elements${hasTime(result) ? ' a token' : ''}`,
        input: 0,
      });
    }
    return result;
  },
  evaluate: ([x], { dims }, { tokens }) => ({ shape: shapeOf(dims, tokens), data: x!.data }),
  gradient: (builder, { inputs }, g) => {
    const { dims } = builder.typeOf(inputs[0]!);
    const names = new Set(dims.map((d) => d.name));
    if (names.size < dims.length)
      throw new Error(`reshape of ${printType(builder.typeOf(inputs[0]!))} has no gradient`);
    return [builder.add('reshape', [g], { dims })];
  },
};
