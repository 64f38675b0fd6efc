/** Reductions over named dimensions: the shared shape rule and evaluation. */
import { tensor } from '../../graph/types.js';
import type { Dim } from '../../graph/types.js';
import type { NodeBuilder } from '../../graph/builder.js';
import type { NodeId } from '../../graph/graph.js';
import type { ReductionName } from '../attributes.js';
import { arrange, shapeOf, sizeOf } from '../layout.js';
import { ShapeError } from '../op.js';
import type { OpDefinition } from '../op.js';
import type { ScalarForm } from '../pointwise/pointwise.js';
import { requireDim, requireFloat, requireInputs } from '../shape.js';

interface ReductionDescription<N extends ReductionName> {
  readonly name: N;
  readonly doc: string;
  readonly initial: number;
  readonly combine: (accumulated: number, value: number) => number;
  /** How the kernel language combines two partial results. */
  readonly scalar: ScalarForm;
  /** Applied to the combined value of `count` elements. */
  readonly finish?: (accumulated: number, count: number) => number;
  readonly gradient: (
    builder: NodeBuilder,
    at: { readonly x: NodeId; readonly y: NodeId; readonly g: NodeId; readonly dims: readonly Dim[] },
  ) => NodeId;
}

export type ReductionDefinition<N extends ReductionName = ReductionName> = OpDefinition<N> &
  Pick<ReductionDescription<N>, 'initial' | 'combine' | 'scalar' | 'finish'>;

export function reduction<N extends ReductionName>(description: ReductionDescription<N>): ReductionDefinition<N> {
  const { name, doc, initial, combine, scalar, finish, gradient } = description;
  return {
    name,
    doc,
    initial,
    combine,
    scalar,
    ...(finish !== undefined && { finish }),
    infer: (inputs, attributes) => {
      const { dims: names } = attributes as { readonly dims: readonly string[] };
      requireInputs(name, inputs, 1);
      requireFloat(name, inputs, 0);
      if (names.length === 0 || new Set(names).size !== names.length) {
        throw new ShapeError(`${name} needs one or more different dimensions`, { found: names.join(', ') });
      }
      for (const d of names) requireDim(name, inputs, 0, d);
      return tensor(inputs[0]!.dims.filter((d) => !names.includes(d.name)));
    },
    evaluate: ([x], attributes, { tokens, types }) => {
      const { dims: names } = attributes as { readonly dims: readonly string[] };
      const from = types.inputs[0]!.dims;
      const reduced = from.filter((d) => names.includes(d.name));
      const values = arrange(x!, from, [...types.output.dims, ...reduced], tokens);
      const count = sizeOf(shapeOf(reduced, tokens));
      const shape = shapeOf(types.output.dims, tokens);
      const data = new Float64Array(sizeOf(shape));
      for (let i = 0, at = 0; i < data.length; i++) {
        let accumulated = initial;
        for (let k = 0; k < count; k++, at++) accumulated = combine(accumulated, values[at]!);
        data[i] = finish === undefined ? accumulated : finish(accumulated, count);
      }
      return { shape, data };
    },
    gradient: (builder, { inputs, output }, g) => {
      const x = inputs[0]!;
      return [gradient(builder, { x, y: output, g, dims: builder.typeOf(x).dims })];
    },
  };
}
