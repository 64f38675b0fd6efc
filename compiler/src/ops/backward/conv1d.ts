import { tensor } from '../../graph/types.js';
import { shapeOf } from '../layout.js';
import type { OpDefinition } from '../op.js';
import { requireExtents, requireInputs } from '../shape.js';

export const conv1d_input_gradient: OpDefinition<'conv1d_input_gradient'> = {
  name: 'conv1d_input_gradient',
  doc: 'Inputs: gradient g of the result of `conv1d`, weight. dx[t, c] = sum over k of w[c, k] g[t + (K-1) - k, c], within the sequence.',
  infer: (inputs, { kernel }) => {
    requireInputs('conv1d_input_gradient', inputs, 2);
    requireExtents('conv1d_input_gradient', 'the gradient', inputs, 0, ['time', undefined], ['time', 'channels']);
    const channels = inputs[0]!.dims[1]!.extent;
    requireExtents('conv1d_input_gradient', 'the weight', inputs, 1, [channels, kernel], ['channels', 'kernel']);
    return tensor(inputs[0]!.dims);
  },
  evaluate: ([g, weight], { kernel }, { segments }) => {
    const channels = g!.shape[1]!;
    const data = new Float64Array(g!.data.length);
    for (const { start, length } of segments) {
      for (let t = 0; t < length; t++) {
        const taps = Math.min(kernel, length - t);
        // Tap K-1 is the token itself, tap K-2 the next one's view of it, …
        for (let ahead = 0; ahead < taps; ahead++) {
          for (let c = 0; c < channels; c++) {
            data[(start + t) * channels + c]! +=
              weight!.data[c * kernel + kernel - 1 - ahead]! * g!.data[(start + t + ahead) * channels + c]!;
          }
        }
      }
    }
    return { shape: g!.shape, data };
  },
};

export const conv1d_weight_gradient: OpDefinition<'conv1d_weight_gradient'> = {
  name: 'conv1d_weight_gradient',
  doc: 'Inputs: gradient g of the result of `conv1d`, x. dw[c, k] = sum over t of g[t, c] x[t - (K-1) + k, c], within the sequence.',
  infer: (inputs, { kernel, dims }) => {
    requireInputs('conv1d_weight_gradient', inputs, 2);
    requireExtents('conv1d_weight_gradient', 'the gradient', inputs, 0, ['time', undefined], ['time', 'channels']);
    const channels = inputs[0]!.dims[1]!.extent;
    requireExtents('conv1d_weight_gradient', 'x', inputs, 1, ['time', channels], ['time', 'channels']);
    requireExtents(
      'conv1d_weight_gradient',
      'the weight',
      [tensor(dims)],
      0,
      [channels, kernel],
      ['channels', 'kernel'],
    );
    return tensor(dims);
  },
  evaluate: ([g, x], { kernel, dims }, { segments }) => {
    const channels = g!.shape[1]!;
    const data = new Float64Array(channels * kernel);
    for (const { start, length } of segments) {
      for (let t = 0; t < length; t++) {
        for (let back = 0; back < kernel && back <= t; back++) {
          for (let c = 0; c < channels; c++) {
            data[c * kernel + kernel - 1 - back]! +=
              g!.data[(start + t) * channels + c]! * x!.data[(start + t - back) * channels + c]!;
          }
        }
      }
    }
    return { shape: shapeOf(dims, 0), data };
  },
};
