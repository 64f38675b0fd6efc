import { tensor } from '../../graph/types.js';
import { topSingular } from '../../numeric/singular.js';
import { sizeOf } from '../layout.js';
import type { OpDefinition } from '../op.js';
import { requireMatrix } from '../spectral-norm.js';

export const spectral_norm_gradient: OpDefinition<'spectral_norm_gradient'> = {
  name: 'spectral_norm_gradient',
  doc: 'Inputs: weight. The outer product of the singular vectors of its largest singular value, which is the gradient of that value.',
  infer: (inputs, { rows }) => {
    requireMatrix('spectral_norm_gradient', inputs, rows);
    return tensor(inputs[0]!.dims);
  },
  evaluate: ([w], { rows }) => {
    const [height, width] = [sizeOf(w!.shape.slice(0, rows)), sizeOf(w!.shape.slice(rows))];
    const { left, right } = topSingular(w!.data, height, width);
    const data = new Float64Array(w!.data.length);
    for (let r = 0; r < height; r++) for (let c = 0; c < width; c++) data[r * width + c] = left[r]! * right[c]!;
    return { shape: w!.shape, data };
  },
};
