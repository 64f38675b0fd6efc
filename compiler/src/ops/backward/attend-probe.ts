import { TIME, tensor } from '../../graph/types.js';
import { ShapeError } from '../op.js';
import type { OpDefinition } from '../op.js';
import { requireExtents, requireInputs } from '../shape.js';

export const attend_probe: OpDefinition<'attend_probe'> = {
  name: 'attend_probe',
  doc: 'Inputs: queries, keys. Of each token the largest attention logit, or the mean entropy of its heads.',
  infer: (inputs) => {
    requireInputs('attend_probe', inputs, 2);
    inputs.forEach((_, i) =>
      requireExtents(
        'attend_probe',
        i === 0 ? 'q' : 'k',
        inputs,
        i,
        ['time', undefined, undefined],
        ['time', 'heads', 'd'],
      ),
    );
    const [heads, keys] = inputs.map((type) => type.dims[1]!.extent as number) as [number, number];
    if (heads % keys !== 0) throw new ShapeError('attend_probe: heads of keys divide those of queries');
    return tensor([TIME]);
  },
  evaluate: ([q, k], { scale, cap, temperature = 1, window = Infinity, of }, { tokens, segments }) => {
    const [, heads, width] = q!.shape as [number, number, number];
    const kvHeads = k!.shape[1]!;
    const data = new Float64Array(tokens);
    for (const { start, length } of segments) {
      for (let t = 0; t < length; t++) {
        let largest = -Infinity;
        let entropy = 0;
        for (let h = 0; h < heads; h++) {
          const key = Math.floor(h / (heads / kvHeads));
          const scores: number[] = [];
          for (let s = Math.max(0, t - window + 1); s <= t; s++) {
            let product = 0;
            for (let i = 0; i < width; i++) {
              product +=
                q!.data[((start + t) * heads + h) * width + i]! * k!.data[((start + s) * kvHeads + key) * width + i]!;
            }
            largest = Math.max(largest, product * scale);
            scores.push(temperature * (cap === undefined ? product * scale : cap * Math.tanh((product * scale) / cap)));
          }
          const most = Math.max(...scores);
          const total = scores.reduce((n, s) => n + Math.exp(s - most), 0);
          entropy += Math.log(total) + most - scores.reduce((n, s) => n + s * Math.exp(s - most), 0) / total;
        }
        data[start + t] = of === 'logits' ? largest : entropy / heads;
      }
    }
    return { shape: [tokens], data };
  },
};
