import { printType, tensor } from '../graph/types.js';
import type { NodeId } from '../graph/graph.js';
import type { NodeBuilder } from '../graph/builder.js';
import type { Dim, TensorType } from '../graph/types.js';
import { timesTransposed } from '../numeric/matrix.js';
import type { OpAttributes } from './attributes.js';
import { arrange, shapeOf, sizeOf } from './layout.js';
import { ShapeError } from './op.js';
import type { OpDefinition } from './op.js';
import {
  printDims,
  requireDim,
  requireFloat,
  requireInputs,
  requireTimeless,
  requireWellFormed,
  sameDims,
} from './shape.js';

/** x's dimensions that are contracted (in the weight's order) and kept (in x's order). */
export function splitDims(
  x: TensorType,
  names: readonly string[],
): { readonly kept: readonly Dim[]; readonly inner: readonly Dim[] } {
  return {
    kept: x.dims.filter((d) => !names.includes(d.name)),
    inner: names.map((name) => x.dims.find((d) => d.name === name)!),
  };
}

/** The same elements under the names of a parameter's dimensions, which are positional. */
export function withDims(builder: NodeBuilder, node: NodeId, dims: readonly Dim[]): NodeId {
  return sameDims(builder.typeOf(node).dims, dims) ? node : builder.add('reshape', [node], { dims });
}

function infer(inputs: readonly TensorType[], attributes: OpAttributes['linear']): TensorType {
  requireInputs('linear', inputs, 2, 3);
  inputs.forEach((_, i) => requireFloat('linear', inputs, i));
  requireTimeless('linear', 'the weight', inputs, 1);
  const [x, weight, bias] = inputs as [TensorType, TensorType, TensorType?];
  for (const name of attributes.in) {
    if (requireDim('linear', inputs, 0, name).extent === 'time')
      throw new ShapeError('linear: `time` cannot be contracted');
  }
  if (attributes.in.length === 0 || new Set(attributes.in).size !== attributes.in.length) {
    throw new ShapeError('linear contracts one or more different dimensions', { found: attributes.in.join(', ') });
  }
  const { kept, inner } = splitDims(x, attributes.in);
  const wanted = [...attributes.out, ...inner];
  if (weight.dims.length !== wanted.length || weight.dims.some((d, i) => d.extent !== wanted[i]!.extent)) {
    throw new ShapeError('linear: the weight has the wrong shape', {
      expected: printDims(wanted),
      found: printType(weight),
      input: 1,
    });
  }
  if (bias !== undefined) {
    const fits =
      bias.dims.length === attributes.out.length && bias.dims.every((d, i) => d.extent === attributes.out[i]!.extent);
    if (!fits) {
      throw new ShapeError('linear: the bias has the wrong shape', {
        expected: printDims(attributes.out),
        found: printType(bias),
        input: 2,
      });
    }
  }
  const dims = [...kept, ...attributes.out];
  requireWellFormed('linear', dims);
  return tensor(dims);
}

export const linear: OpDefinition<'linear'> = {
  name: 'linear',
  doc: 'Inputs: x, weight [out, in], bias [out]?. y[…, o] = sum over i of W[o, i] x[…, i], plus b[o].',
  infer,
  evaluate: ([x, weight, bias], attributes, { tokens, types }) => {
    const from = types.inputs[0]!;
    const { kept, inner } = splitDims(from, attributes.in);
    const rows = sizeOf(shapeOf(kept, tokens));
    const width = sizeOf(shapeOf(inner, tokens));
    const outputs = sizeOf(shapeOf(attributes.out, tokens));
    const values = arrange(x!, from.dims, [...kept, ...inner], tokens);
    const data = timesTransposed(values, weight!.data, rows, width, outputs);
    if (bias !== undefined) {
      for (let n = 0, at = 0; n < rows; n++) for (let o = 0; o < outputs; o++, at++) data[at]! += bias.data[o]!;
    }
    return { shape: shapeOf(types.output.dims, tokens), data };
  },
  gradient: (builder, { inputs, attributes }, g) => {
    const [x, weight, bias] = inputs as [NodeId, NodeId, NodeId?];
    const { dims } = builder.typeOf(x);
    const { kept, inner } = splitDims(builder.typeOf(x), attributes.in);
    const out = attributes.out.map((d) => d.name);
    const back = builder.add('linear_input_gradient', [g, weight], { in: inner, out });
    const order = dims.map((d) => d.name);
    const moved = sameDims(builder.typeOf(back).dims, dims) ? back : builder.add('transpose', [back], { order });
    const outer = builder.add('linear_weight_gradient', [g, x], {
      in: attributes.in,
      out,
      dims: builder.typeOf(weight).dims,
    });
    if (bias === undefined) return [moved, outer];
    const total = kept.length === 0 ? g : builder.add('sum', [g], { dims: kept.map((d) => d.name) });
    return [moved, outer, withDims(builder, total, builder.typeOf(bias).dims)];
  },
};
