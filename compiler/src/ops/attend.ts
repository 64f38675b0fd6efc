import { tensor } from '../graph/types.js';
import type { TensorType } from '../graph/types.js';
import type { OpAttributes } from './attributes.js';
import { ShapeError } from './op.js';
import type { OpDefinition, Reference } from './op.js';
import { requireExtents, requireFloat, requireInputs, requireWellFormed } from './shape.js';

/** The shapes that `attend` and its gradient take. @throws ShapeError */
export function requireAttendInputs(
  op: string,
  inputs: readonly TensorType[],
  { window, cap, clip }: OpAttributes['attend'],
): void {
  inputs.forEach((_, i) => requireFloat(op, inputs, i));
  requireExtents(op, 'the query', inputs, 0, ['time', undefined, undefined], ['time', 'heads', 'head_dim']);
  const [, heads, channels] = inputs[0]!.dims;
  requireExtents(op, 'the key', inputs, 1, ['time', undefined, channels!.extent], ['time', 'kv_heads', 'head_dim']);
  const keyHeads = inputs[1]!.dims[1]!.extent as number;
  requireExtents(op, 'the value', inputs, 2, ['time', keyHeads, undefined], ['time', 'kv_heads', 'head_dim']);
  if ((heads!.extent as number) % keyHeads !== 0) {
    throw new ShapeError(`${op}: the heads of queries must be a multiple of those of keys and values`, {
      expected: `a multiple of ${keyHeads}`,
      found: `${heads!.extent}`,
      input: 0,
    });
  }
  if (window !== undefined && !(Number.isSafeInteger(window) && window > 0)) {
    throw new ShapeError(`${op}: window must be a positive whole number of tokens`, { found: `${window}` });
  }
  if (cap !== undefined && !(cap > 0)) throw new ShapeError(`${op}: cap must be positive`, { found: `${cap}` });
  if (clip !== undefined && !(clip[0] >= 1 && clip[1] <= 0)) {
    throw new ShapeError(`${op}: clip is (zeta, gamma) with zeta at least 1 and gamma at most 0`, {
      found: `(${clip.join(', ')})`,
    });
  }
}

/** Looked up once: the loops below call them millions of times. */
const { exp, max, min, tanh } = Math;

/** Score after scaling, cap and temperature. */
export function scoreOf(product: number, { scale, cap, temperature }: OpAttributes['attend']): number {
  const scaled = scale * product;
  return (temperature ?? 1) * (cap === undefined ? scaled : cap * tanh(scaled / cap));
}

/** The first key that a query at `at` sees. */
export function firstSeen(at: number, window: number | undefined): number {
  return window === undefined ? 0 : Math.max(0, at - window + 1);
}

/** Turns scores first … last into probabilities, in place. */
export function softmax(scores: Float64Array, first: number, last: number): void {
  let largest = -Infinity;
  for (let j = first; j <= last; j++) largest = max(largest, scores[j]!);
  let total = 0;
  for (let j = first; j <= last; j++) total += scores[j] = exp(scores[j]! - largest);
  for (let j = first; j <= last; j++) scores[j]! /= total;
}

/** Rows of earlier tokens, then those of the segment. */
function append(before: Reference | undefined, x: Reference, start: number, length: number): Reference {
  const perToken = x.shape[1]! * x.shape[2]!;
  const old = before?.data ?? new Float64Array(0);
  const data = new Float64Array(old.length + length * perToken);
  data.set(old);
  data.set(x.data.subarray(start * perToken, (start + length) * perToken), old.length);
  return { shape: [(before?.shape[0] ?? 0) + length, x.shape[1]!, x.shape[2]!], data };
}

export const attend: OpDefinition<'attend'> = {
  name: 'attend',
  doc: 'Inputs: q [time, heads, d], k [time, kv_heads, d], v [time, kv_heads, dv]. Causal attention of each query head to its group of keys.',
  infer: (inputs, attributes) => {
    requireInputs('attend', inputs, 3);
    requireAttendInputs('attend', inputs, attributes);
    const dims = [inputs[0]!.dims[0]!, inputs[0]!.dims[1]!, inputs[2]!.dims[2]!];
    requireWellFormed('attend', dims);
    return tensor(dims);
  },
  evaluate: ([q, k, v], attributes, { tokens, segments, state }) => {
    const [, heads, channels] = q!.shape as [number, number, number];
    const [, keyHeads, width] = v!.shape as [number, number, number];
    const { window, clip } = attributes;
    const data = new Float64Array(tokens * heads * width);
    segments.forEach(({ start, length }, s) => {
      const keys = append(state[s]!.get('key'), k!, start, length);
      const values = append(state[s]!.get('value'), v!, start, length);
      const scores = new Float64Array(keys.shape[0]!);
      const earlier = keys.shape[0]! - length;
      for (let h = 0; h < heads; h++) {
        const own = Math.floor((h * keyHeads) / heads);
        for (let t = 0; t < length; t++) {
          const query = ((start + t) * heads + h) * channels;
          const last = earlier + t;
          const first = firstSeen(last, window);
          for (let j = first; j <= last; j++) {
            const key = (j * keyHeads + own) * channels;
            let product = 0;
            for (let d = 0; d < channels; d++) product += q!.data[query + d]! * keys.data[key + d]!;
            scores[j] = scoreOf(product, attributes);
          }
          softmax(scores, first, last);
          const at = ((start + t) * heads + h) * width;
          for (let j = first; j <= last; j++) {
            const value = (j * keyHeads + own) * width;
            const p = clip === undefined ? scores[j]! : min(1, max(0, (clip[0] - clip[1]) * scores[j]! + clip[1]));
            for (let d = 0; d < width; d++) data[at + d]! += p * values.data[value + d]!;
          }
        }
      }
      state[s]!.set('key', keys);
      state[s]!.set('value', values);
    });
    return { shape: [tokens, heads, width], data };
  },
  state: ([, k, v]) => [
    { name: 'key', kind: 'token', dims: k!.dims.slice(1).map((d) => d.extent as number) },
    { name: 'value', kind: 'token', dims: v!.dims.slice(1).map((d) => d.extent as number) },
  ],
  gradient: (builder, { inputs, attributes }, g) =>
    (['q', 'k', 'v'] as const).map((of) => builder.add('attend_gradient', [...inputs, g], { ...attributes, of })),
};
