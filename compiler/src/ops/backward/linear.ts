import { printType, tensor } from '../../graph/types.js';
import { times, transposedTimes } from '../../numeric/matrix.js';
import { arrange, shapeOf, sizeOf } from '../layout.js';
import { splitDims } from '../linear.js';
import { ShapeError } from '../op.js';
import type { OpDefinition } from '../op.js';
import { printDims, requireDim, requireInputs, requireTimeless, requireWellFormed } from '../shape.js';

export const linear_input_gradient: OpDefinition<'linear_input_gradient'> = {
  name: 'linear_input_gradient',
  doc: 'Inputs: gradient g of the result of `linear`, weight. dx[…, i] = sum over o of W[o, i] g[…, o].',
  infer: (inputs, attributes) => {
    requireInputs('linear_input_gradient', inputs, 2);
    requireTimeless('linear_input_gradient', 'the weight', inputs, 1);
    for (const name of attributes.out) requireDim('linear_input_gradient', inputs, 0, name);
    const { kept, inner } = splitDims(inputs[0]!, attributes.out);
    const wanted = [...inner, ...attributes.in];
    const weight = inputs[1]!.dims;
    if (weight.length !== wanted.length || weight.some((d, i) => d.extent !== wanted[i]!.extent)) {
      throw new ShapeError('linear_input_gradient: the weight has the wrong shape', {
        expected: printDims(wanted),
        found: printType(inputs[1]!),
        input: 1,
      });
    }
    const dims = [...kept, ...attributes.in];
    requireWellFormed('linear_input_gradient', dims);
    return tensor(dims);
  },
  evaluate: ([g, weight], attributes, { tokens, types }) => {
    const from = types.inputs[0]!;
    const { kept, inner } = splitDims(from, attributes.out);
    const values = arrange(g!, from.dims, [...kept, ...inner], tokens);
    const rows = sizeOf(shapeOf(kept, tokens));
    const data = times(values, weight!.data, rows, sizeOf(shapeOf(inner, 0)), sizeOf(shapeOf(attributes.in, 0)));
    return { shape: shapeOf(types.output.dims, tokens), data };
  },
};

export const linear_weight_gradient: OpDefinition<'linear_weight_gradient'> = {
  name: 'linear_weight_gradient',
  doc: 'Inputs: gradient g of the result of `linear`, x. dW[o, i] = sum over all else of g[…, o] x[…, i].',
  infer: (inputs, attributes) => {
    requireInputs('linear_weight_gradient', inputs, 2);
    const out = attributes.out.map((name) => requireDim('linear_weight_gradient', inputs, 0, name));
    const inner = attributes.in.map((name) => requireDim('linear_weight_gradient', inputs, 1, name));
    const wanted = [...out, ...inner];
    if (attributes.dims.length !== wanted.length || attributes.dims.some((d, i) => d.extent !== wanted[i]!.extent)) {
      throw new ShapeError('linear_weight_gradient: the weight has another shape', {
        expected: printDims(wanted),
        found: printDims(attributes.dims),
      });
    }
    return tensor(attributes.dims);
  },
  evaluate: ([g, x], attributes, { tokens, types }) => {
    const [gradient, input] = types.inputs as [(typeof types.inputs)[0], (typeof types.inputs)[0]];
    const { kept, inner } = splitDims(input, attributes.in);
    const { inner: out } = splitDims(gradient, attributes.out);
    const left = arrange(g!, gradient.dims, [...kept, ...out], tokens);
    const right = arrange(x!, input.dims, [...kept, ...inner], tokens);
    const rows = sizeOf(shapeOf(kept, tokens));
    const data = transposedTimes(left, right, rows, sizeOf(shapeOf(out, 0)), sizeOf(shapeOf(inner, 0)));
    return { shape: shapeOf(attributes.dims, tokens), data };
  },
};
