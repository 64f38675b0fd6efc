import { TIME, dim, tensor } from '../../src/graph/types.js';
import { lowerConv1dInputGradient, lowerConv1dWeightGradient } from '../../src/lower/conv1d-gradient.js';
import { compareGradients } from './gradients.js';

/** Sums of a few products for the input, of up to 300 tokens for the weight. */
const TOLERANCE = 2 ** -19;

test.each([
  [5, 4],
  [300, 4],
  [3, 1],
  [2, 19],
])('gradients of a convolution of %i channels over %i tokens', async (channels, kernel) => {
  const values = tensor([TIME, dim('channels', channels)]);
  const weight = tensor([dim('rows', channels), dim('taps', kernel)]);
  const counts = [5, 0, 1, 2, 17, 131, 16];
  await compareGradients({
    gradients: { op: 'conv1d_input_gradient', types: [values, weight], attributes: [{ kernel }] },
    lowering: lowerConv1dInputGradient,
    counts,
    tolerance: TOLERANCE,
  });
  await compareGradients({
    gradients: {
      op: 'conv1d_weight_gradient',
      types: [values, values],
      attributes: [{ kernel, dims: weight.dims }],
    },
    lowering: lowerConv1dWeightGradient,
    counts,
    tolerance: TOLERANCE,
  });
});
