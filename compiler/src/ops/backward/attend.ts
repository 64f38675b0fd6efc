import { tensor } from '../../graph/types.js';
import { firstSeen, requireAttendInputs, softmax } from '../attend.js';
import type { OpAttributes } from '../attributes.js';
import type { EvaluationContext, OpDefinition, Reference } from '../op.js';
import { requireExtents, requireInputs } from '../shape.js';
import { together } from './shared.js';

export const ATTEND_INPUTS = ['q', 'k', 'v'] as const;

/** Looked up once for the inner loops. */
const { tanh } = Math;

/**
 * With z = scale q·k, s = temperature cap tanh(z / cap), p = softmax(s), w = clip(p), y = Σ w v:
 * dw_j = g·v_j, dp = dw where clip does not cut, ds_j = p_j (dp_j - Σ p dp), dz = ds temperature (1 - tanh²(z / cap)).
 */
function compute(
  [q, k, v, g]: readonly Reference[],
  { scale, cap, window, temperature = 1, clip }: OpAttributes['attend_gradient'],
  { segments }: EvaluationContext,
): Readonly<Record<(typeof ATTEND_INPUTS)[number], Reference>> {
  const [, heads, channels] = q!.shape as [number, number, number];
  const [, keyHeads, width] = v!.shape as [number, number, number];
  const dq = new Float64Array(q!.data.length);
  const dk = new Float64Array(k!.data.length);
  const dv = new Float64Array(v!.data.length);
  const [stretch, shift] = clip === undefined ? [1, 0] : [clip[0] - clip[1], clip[1]];
  for (const { start, length } of segments) {
    const p = new Float64Array(length);
    const bent = new Float64Array(length);
    const dp = new Float64Array(length);
    for (let h = 0; h < heads; h++) {
      const own = Math.floor((h * keyHeads) / heads);
      for (let t = 0; t < length; t++) {
        const query = ((start + t) * heads + h) * channels;
        const gradient = ((start + t) * heads + h) * width;
        const first = firstSeen(t, window);
        for (let j = first; j <= t; j++) {
          const key = ((start + j) * keyHeads + own) * channels;
          let product = 0;
          for (let d = 0; d < channels; d++) product += q!.data[query + d]! * k!.data[key + d]!;
          bent[j] = cap === undefined ? 0 : tanh((scale * product) / cap);
          p[j] = temperature * (cap === undefined ? scale * product : cap * bent[j]!);
        }
        softmax(p, first, t);
        let mean = 0;
        for (let j = first; j <= t; j++) {
          const value = ((start + j) * keyHeads + own) * width;
          const raw = stretch * p[j]! + shift;
          const weight = clip === undefined ? p[j]! : Math.min(1, Math.max(0, raw));
          let dw = 0;
          for (let d = 0; d < width; d++) {
            dw += g!.data[gradient + d]! * v!.data[value + d]!;
            dv[value + d]! += weight * g!.data[gradient + d]!;
          }
          dp[j] = clip === undefined || (raw >= 0 && raw <= 1) ? stretch * dw : 0;
          mean += p[j]! * dp[j]!;
        }
        for (let j = first; j <= t; j++) {
          const key = ((start + j) * keyHeads + own) * channels;
          const dz = scale * temperature * p[j]! * (dp[j]! - mean) * (1 - bent[j]! ** 2);
          for (let d = 0; d < channels; d++) {
            dq[query + d]! += dz * k!.data[key + d]!;
            dk[key + d]! += dz * q!.data[query + d]!;
          }
        }
      }
    }
  }
  return { q: { shape: q!.shape, data: dq }, k: { shape: k!.shape, data: dk }, v: { shape: v!.shape, data: dv } };
}

export const attend_gradient: OpDefinition<'attend_gradient'> = {
  name: 'attend_gradient',
  doc: 'Inputs: q, k, v, gradient of the result of `attend`. The gradient of the input that `of` names.',
  infer: (inputs, attributes) => {
    requireInputs('attend_gradient', inputs, 4);
    requireAttendInputs('attend_gradient', inputs, attributes);
    const extents = [inputs[0]!.dims[0]!, inputs[0]!.dims[1]!, inputs[2]!.dims[2]!].map((d) => d.extent);
    requireExtents('attend_gradient', 'the gradient', inputs, 3, extents, ['time', 'heads', 'head_dim']);
    return tensor(inputs[ATTEND_INPUTS.indexOf(attributes.of)]!.dims);
  },
  evaluate: together(compute),
};
