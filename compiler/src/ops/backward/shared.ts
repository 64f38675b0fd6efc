import { contentKey } from '../../graph/key.js';
import type { EvaluationContext, Reference } from '../op.js';

interface Computed {
  readonly inputs: readonly Float64Array[];
  readonly key: string;
  readonly result: Readonly<Record<string, Reference>>;
}

/**
 * The gradients of an op with several: computed together, once for all nodes that ask with the same inputs. Keyed by
 * the identity of the result's gradient, which no two evaluations share.
 */
export function together<A extends { readonly of: unknown }>(
  compute: (
    inputs: readonly Reference[],
    attributes: A,
    context: EvaluationContext,
  ) => Readonly<Record<string, Reference>>,
): (inputs: readonly Reference[], attributes: A, context: EvaluationContext) => Reference {
  const known = new WeakMap<Float64Array, Computed>();
  return (inputs, attributes, context) => {
    const data = inputs.map((input) => input.data);
    const key = contentKey([{ ...attributes, of: undefined }, context.segments]);
    let entry = known.get(data.at(-1)!);
    if (entry === undefined || entry.key !== key || !entry.inputs.every((d, i) => d === data[i])) {
      entry = { inputs: data, key, result: compute(inputs, attributes, context) };
      known.set(data.at(-1)!, entry);
    }
    return entry.result[String(attributes.of)]!;
  };
}
