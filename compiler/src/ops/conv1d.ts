import { tensor } from '../graph/types.js';
import type { NodeId } from '../graph/graph.js';
import { withDims } from './linear.js';
import type { OpDefinition, Segment, Reference } from './op.js';
import { ShapeError } from './op.js';
import { requireExtents, requireFloat, requireInputs } from './shape.js';

/**
 * A segment's inputs with the `reach` tokens before it (from the state, zeros in a fresh sequence), [reach + length, channels].
 */
export function withHistory(
  x: Float64Array,
  channels: number,
  segment: Segment,
  reach: number,
  history: Reference | undefined,
): Float64Array {
  const values = new Float64Array((reach + segment.length) * channels);
  if (history !== undefined) values.set(history.data);
  values.set(x.subarray(segment.start * channels, (segment.start + segment.length) * channels), reach * channels);
  return values;
}

export const conv1d: OpDefinition<'conv1d'> = {
  name: 'conv1d',
  doc: 'Inputs: x [time, channels], weight [channels, kernel], bias [channels]?. Depthwise causal convolution over time.',
  infer: (inputs, { kernel }) => {
    requireInputs('conv1d', inputs, 2, 3);
    inputs.forEach((_, i) => requireFloat('conv1d', inputs, i));
    if (!(Number.isSafeInteger(kernel) && kernel > 0))
      throw new ShapeError('conv1d: kernel must be at least 1', { found: `${kernel}` });
    requireExtents('conv1d', 'x', inputs, 0, ['time', undefined], ['time', 'channels']);
    const channels = inputs[0]!.dims[1]!.extent;
    requireExtents('conv1d', 'the weight', inputs, 1, [channels, kernel], ['channels', 'kernel']);
    if (inputs.length > 2) requireExtents('conv1d', 'the bias', inputs, 2, [channels], ['channels']);
    return tensor(inputs[0]!.dims);
  },
  evaluate: ([x, weight, bias], { kernel }, { segments, state }) => {
    const channels = x!.shape[1]!;
    const data = new Float64Array(x!.data.length);
    const reach = kernel - 1;
    segments.forEach((segment, s) => {
      const values = withHistory(x!.data, channels, segment, reach, state[s]!.get('inputs'));
      for (let t = 0; t < segment.length; t++) {
        for (let c = 0; c < channels; c++) {
          let total = bias === undefined ? 0 : bias.data[c]!;
          for (let k = 0; k < kernel; k++) total += weight!.data[c * kernel + k]! * values[(t + k) * channels + c]!;
          data[(segment.start + t) * channels + c] = total;
        }
      }
      if (reach > 0)
        state[s]!.set('inputs', { shape: [reach, channels], data: values.slice(segment.length * channels) });
    });
    return { shape: x!.shape, data };
  },
  state: ([x], { kernel }) =>
    kernel > 1 ? [{ name: 'inputs', kind: 'sequence', dims: [kernel - 1, x!.dims[1]!.extent as number] }] : [],
  gradient: (builder, { inputs, attributes: { kernel } }, g) => {
    const [x, weight, bias] = inputs as [NodeId, NodeId, NodeId?];
    const dx = builder.add('conv1d_input_gradient', [g, weight], { kernel });
    const dw = builder.add('conv1d_weight_gradient', [g, x], { kernel, dims: builder.typeOf(weight).dims });
    if (bias === undefined) return [dx, dw];
    const total = builder.add('sum', [g], { dims: ['time'] });
    return [dx, dw, withDims(builder, total, builder.typeOf(bias).dims)];
  },
};
