import { tensor } from '../graph/types.js';
import type { TensorType } from '../graph/types.js';
import type { OpAttributes } from './attributes.js';
import { ShapeError } from './op.js';
import type { OpDefinition } from './op.js';
import { requireExtents, requireFloat, requireInputs, requireTimeless } from './shape.js';

/** Looked up once for the inner loops. */
const { exp, floor } = Math;

/** The shapes that `ssd` and its gradient take. @throws ShapeError */
export function requireSsdInputs(op: string, inputs: readonly TensorType[], attributes: OpAttributes['ssd']): void {
  const { heads, head_dim, groups, state } = attributes;
  if (heads % groups !== 0) {
    throw new ShapeError(`${op}: heads must be a multiple of groups`, { found: `${heads} heads, ${groups} groups` });
  }
  inputs.forEach((_, i) => requireFloat(op, inputs, i));
  requireExtents(op, 'x', inputs, 0, ['time', heads, head_dim], ['time', 'heads', 'head_dim']);
  requireExtents(op, 'dt', inputs, 1, ['time', heads], ['time', 'heads']);
  requireTimeless(op, 'A', inputs, 2);
  requireExtents(op, 'A', inputs, 2, [heads], ['heads']);
  requireExtents(op, 'B', inputs, 3, ['time', groups, state], ['time', 'groups', 'state']);
  requireExtents(op, 'C', inputs, 4, ['time', groups, state], ['time', 'groups', 'state']);
}

export const ssd: OpDefinition<'ssd'> = {
  name: 'ssd',
  doc: 'Inputs: x, dt, A, B, C. The selective state space recurrence of Mamba-2 (Dao & Gu 2024).',
  infer: (inputs, attributes) => {
    requireInputs('ssd', inputs, 5);
    requireSsdInputs('ssd', inputs, attributes);
    return tensor(inputs[0]!.dims);
  },
  evaluate: ([x, dt, a, b, c], { heads, head_dim, groups, state: size }, { segments, state }) => {
    const data = new Float64Array(x!.data.length);
    const perGroup = heads / groups;
    segments.forEach(({ start, length }, s) => {
      const before = state[s]!.get('state');
      const carried = before === undefined ? new Float64Array(heads * head_dim * size) : before.data.slice();
      for (let t = start; t < start + length; t++) {
        for (let h = 0; h < heads; h++) {
          const step = dt!.data[t * heads + h]!;
          const decay = exp(step * a!.data[h]!);
          const group = (t * groups + floor(h / perGroup)) * size;
          for (let p = 0; p < head_dim; p++) {
            const at = (t * heads + h) * head_dim + p;
            const row = (h * head_dim + p) * size;
            const drive = step * x!.data[at]!;
            let total = 0;
            for (let n = 0; n < size; n++) {
              const next = decay * carried[row + n]! + drive * b!.data[group + n]!;
              carried[row + n] = next;
              total += next * c!.data[group + n]!;
            }
            data[at] = total;
          }
        }
      }
      state[s]!.set('state', { shape: [heads, head_dim, size], data: carried });
    });
    return { shape: x!.shape, data };
  },
  state: (_inputs, { heads, head_dim, state }) => [{ name: 'state', kind: 'sequence', dims: [heads, head_dim, state] }],
  gradient: (builder, { inputs, attributes }, g) =>
    (['x', 'dt', 'A', 'B', 'C'] as const).map((of) =>
      builder.add('ssd_gradient', [...inputs, g], { ...attributes, of }),
    ),
};
