import { tensor } from '../../graph/types.js';
import type { OpAttributes } from '../attributes.js';
import type { EvaluationContext, OpDefinition, Reference } from '../op.js';
import { requireExtents, requireInputs } from '../shape.js';
import { requireSsdInputs } from '../ssd.js';
import { together } from './shared.js';

/** Looked up once for the inner loops. */
const { exp, floor } = Math;

/** Positions of the inputs that `of` names. */
export const SSD_INPUTS = ['x', 'dt', 'A', 'B', 'C'] as const;

/**
 * Reverse of S_t = a_t S_{t-1} + dt_t x_t ⊗ B_t, y_t = S_t C_t, with a_t = exp(dt_t A): from the last token back, dS
 * gathers the gradient of S_t.
 */
function compute(
  inputs: readonly Reference[],
  { heads, head_dim, groups, state: size }: OpAttributes['ssd_gradient'],
  { segments }: EvaluationContext,
): Readonly<Record<(typeof SSD_INPUTS)[number], Reference>> {
  const [x, dt, a, b, c, g] = inputs.map((input) => input.data) as Float64Array[] & { length: 6 };
  const [dx, ddt, da, db, dc] = inputs.slice(0, 5).map((input) => new Float64Array(input.data.length));
  const perGroup = heads / groups;
  const block = head_dim * size;
  for (const { start, length } of segments) {
    for (let h = 0; h < heads; h++) {
      const rate = a![h]!;
      const groupAt = (t: number): number => (t * groups + floor(h / perGroup)) * size;
      const states = new Float64Array((length + 1) * block);
      for (let i = 0; i < length; i++) {
        const t = start + i;
        const step = dt![t * heads + h]!;
        const decay = exp(step * rate);
        const group = groupAt(t);
        for (let p = 0; p < head_dim; p++) {
          const drive = step * x![(t * heads + h) * head_dim + p]!;
          const row = i * block + p * size;
          for (let n = 0; n < size; n++) states[row + block + n] = decay * states[row + n]! + drive * b![group + n]!;
        }
      }
      const dS = new Float64Array(block);
      for (let i = length - 1; i >= 0; i--) {
        const t = start + i;
        const step = dt![t * heads + h]!;
        const decay = exp(step * rate);
        const group = groupAt(t);
        let decayGradient = 0;
        let stepGradient = 0;
        for (let p = 0; p < head_dim; p++) {
          const at = (t * heads + h) * head_dim + p;
          const before = i * block + p * size;
          const incoming = g![at]!;
          const value = x![at]!;
          let along = 0;
          for (let n = 0; n < size; n++) {
            const ds = dS[p * size + n]! + incoming * c![group + n]!;
            dc![group + n] = dc![group + n]! + incoming * states[before + block + n]!;
            db![group + n] = db![group + n]! + ds * step * value;
            decayGradient += ds * states[before + n]!;
            along += ds * b![group + n]!;
            dS[p * size + n] = decay * ds;
          }
          dx![at]! += step * along;
          stepGradient += value * along;
        }
        ddt![t * heads + h]! += stepGradient + decayGradient * decay * rate;
        da![h]! += decayGradient * decay * step;
      }
    }
  }
  const gradients = [dx!, ddt!, da!, db!, dc!].map((data, i) => ({ shape: inputs[i]!.shape, data }));
  return { x: gradients[0]!, dt: gradients[1]!, A: gradients[2]!, B: gradients[3]!, C: gradients[4]! };
}

export const ssd_gradient: OpDefinition<'ssd_gradient'> = {
  name: 'ssd_gradient',
  doc: 'Inputs: x, dt, A, B, C, gradient of the result of `ssd`. The gradient of the input that `of` names.',
  infer: (inputs, attributes) => {
    requireInputs('ssd_gradient', inputs, 6);
    requireSsdInputs('ssd_gradient', inputs, attributes);
    const { heads, head_dim } = attributes;
    requireExtents('ssd_gradient', 'the gradient', inputs, 5, ['time', heads, head_dim], ['time', 'heads', 'head_dim']);
    return tensor(inputs[SSD_INPUTS.indexOf(attributes.of)]!.dims);
  },
  evaluate: together(compute),
};
