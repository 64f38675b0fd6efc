/** Gradients of linear maps of one value, as one matrix: what a training program makes of those of single maps. */
import { dim, elementsPerToken, tensor } from '../../graph/types.js';
import type { Dim } from '../../graph/types.js';
import { times, transposedTimes } from '../../numeric/matrix.js';
import { arrange, shapeOf, sizeOf } from '../layout.js';
import { splitDims } from '../linear.js';
import { ShapeError } from '../op.js';
import type { OpDefinition } from '../op.js';
import { requireDim, requireInputs, requireWellFormed } from '../shape.js';

const ROWS = 'rows';

export const stack: OpDefinition<'stack'> = {
  name: 'stack',
  doc: 'Inputs: tensors [kept…, …]. Their elements side by side: [kept…, rows], one input after another or interleaved.',
  infer: (inputs, { kept }) => {
    requireInputs('stack', inputs, 1, Infinity);
    const dims = kept.map((name) => requireDim('stack', inputs, 0, name));
    const leading = elementsPerToken(tensor(dims));
    inputs.forEach((type, i) => {
      if (kept.every((name, at) => type.dims[at]?.name === name)) return;
      throw new ShapeError('stack: the kept dimensions come first', { input: i });
    });
    const rows = inputs.reduce((n, type) => n + elementsPerToken(type) / leading, 0);
    const result = [...dims, dim(ROWS, rows)];
    requireWellFormed('stack', result);
    return tensor(result);
  },
  evaluate: (inputs, { kept, interleaved }, { tokens, types }) => {
    const shape = shapeOf(types.output.dims, tokens);
    const rows = shape.at(-1)!;
    const leading = sizeOf(shape) / rows;
    const data = new Float64Array(sizeOf(shape));
    let start = 0;
    inputs.forEach((input, j) => {
      const own = sizeOf(input.shape.slice(kept.length));
      for (let k = 0; k < leading; k++) {
        for (let r = 0; r < own; r++) {
          data[k * rows + (interleaved ? r * inputs.length + j : start + r)] = input.data[k * own + r]!;
        }
      }
      start += own;
    });
    return { shape, data };
  },
};

/** Rows of the matrix that several weights make. */
function matrixOf(weights: readonly Float64Array[], columns: number, interleaved: boolean): Float64Array {
  const matrix = new Float64Array(weights.reduce((n, w) => n + w.length, 0));
  let start = 0;
  weights.forEach((w, j) => {
    for (let r = 0; r * columns < w.length; r++) {
      const row = interleaved ? r * weights.length + j : start + r;
      matrix.set(w.subarray(r * columns, (r + 1) * columns), row * columns);
    }
    start += w.length / columns;
  });
  return matrix;
}

const withoutRows = (dims: readonly Dim[]): readonly Dim[] => dims.slice(0, -1);

export const matrix_input_gradient: OpDefinition<'matrix_input_gradient'> = {
  name: 'matrix_input_gradient',
  doc: 'Inputs: stacked gradients g [kept…, rows], weights. dx[…, i] = sum over the rows r of W[r, i] g[…, r].',
  infer: (inputs, attributes) => {
    requireInputs('matrix_input_gradient', inputs, 2, Infinity);
    const { dims } = inputs[0]!;
    const columns = elementsPerToken(tensor(attributes.in));
    const rows = inputs.slice(1).reduce((n, type) => n + elementsPerToken(type) / columns, 0);
    if (dims.at(-1)?.extent !== rows) {
      throw new ShapeError('matrix_input_gradient: the weights have other rows', { found: `${rows}` });
    }
    const result = [...withoutRows(dims), ...attributes.in];
    requireWellFormed('matrix_input_gradient', result);
    return tensor(result);
  },
  evaluate: ([g, ...weights], attributes, { tokens, types }) => {
    const columns = sizeOf(shapeOf(attributes.in, 0));
    const rows = g!.shape.at(-1)!;
    const matrix = matrixOf(
      weights.map((w) => w.data),
      columns,
      attributes.interleaved,
    );
    const data = times(g!.data, matrix, g!.data.length / rows, rows, columns);
    return { shape: shapeOf(types.output.dims, tokens), data };
  },
};

export const matrix_weight_gradient: OpDefinition<'matrix_weight_gradient'> = {
  name: 'matrix_weight_gradient',
  doc: 'Inputs: stacked gradients g [kept…, rows], x. dW[r, i] = sum over all else of g[…, r] x[…, i].',
  infer: (inputs, attributes) => {
    requireInputs('matrix_weight_gradient', inputs, 2);
    for (const name of attributes.in) requireDim('matrix_weight_gradient', inputs, 1, name);
    const { inner } = splitDims(inputs[1]!, attributes.in);
    const columns = elementsPerToken(tensor(inner));
    return tensor([inputs[0]!.dims.at(-1)!, dim('columns', columns)]);
  },
  evaluate: ([g, x], attributes, { tokens, types }) => {
    const from = types.inputs[1]!;
    const { kept, inner } = splitDims(from, attributes.in);
    const right = arrange(x!, from.dims, [...kept, ...inner], tokens);
    const [rows, columns] = shapeOf(types.output.dims, tokens) as [number, number];
    const data = transposedTimes(g!.data, right, g!.data.length / rows, rows, columns);
    return { shape: [rows, columns], data };
  },
};
