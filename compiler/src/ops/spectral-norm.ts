import { printType, tensor } from '../graph/types.js';
import type { TensorType } from '../graph/types.js';
import { topSingular } from '../numeric/singular.js';
import { scalar, sizeOf } from './layout.js';
import { ShapeError } from './op.js';
import type { OpDefinition } from './op.js';
import { requireFloat, requireInputs, requireTimeless } from './shape.js';

/** @throws ShapeError unless the input is a weight with more than `rows` dimensions. */
export function requireMatrix(op: string, inputs: readonly TensorType[], rows: number): void {
  requireInputs(op, inputs, 1);
  requireFloat(op, inputs, 0);
  requireTimeless(op, 'the weight', inputs, 0);
  if (Number.isInteger(rows) && rows > 0 && rows < inputs[0]!.dims.length) return;
  throw new ShapeError(`${op} needs a matrix`, {
    expected: `more than ${rows} dimensions, the first ${rows} of them rows`,
    found: printType(inputs[0]!),
    input: 0,
  });
}

export const spectral_norm: OpDefinition<'spectral_norm'> = {
  name: 'spectral_norm',
  doc: 'Largest singular value of a weight, whose first `rows` dimensions are its rows.',
  infer: (inputs, { rows }) => {
    requireMatrix('spectral_norm', inputs, rows);
    return tensor([]);
  },
  evaluate: ([w], { rows }) =>
    scalar(topSingular(w!.data, sizeOf(w!.shape.slice(0, rows)), sizeOf(w!.shape.slice(rows))).value),
  gradient: (builder, { inputs, attributes }, g) => [
    builder.add('mul', [builder.add('spectral_norm_gradient', [inputs[0]!], attributes), g], {}),
  ],
};
