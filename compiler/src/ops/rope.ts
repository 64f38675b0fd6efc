import { hasTime, printType, tensor } from '../graph/types.js';
import { sizeOf } from './layout.js';
import { ShapeError } from './op.js';
import type { OpDefinition } from './op.js';
import { requireFloat, requireInputs } from './shape.js';

export const rope: OpDefinition<'rope'> = {
  name: 'rope',
  doc: 'Rotary embedding of the last dimension at the position of the token (Su et al. 2021).',
  infer: (inputs, { frequencies }) => {
    requireInputs('rope', inputs, 1);
    requireFloat('rope', inputs, 0);
    const type = inputs[0]!;
    const last = type.dims.at(-1);
    if (!hasTime(type) || last === undefined || last.extent === 'time' || 2 * frequencies.length > last.extent) {
      throw new ShapeError('rope rotates pairs of channels of the last dimension, at each time', {
        expected: `[time, …, at least ${2 * frequencies.length} channels]`,
        found: printType(type),
        input: 0,
      });
    }
    return tensor(type.dims);
  },
  evaluate: ([x], { frequencies, pairing, amplitude }, { segments }) => {
    const data = x!.data.slice();
    const channels = x!.shape.at(-1)!;
    const perToken = sizeOf(x!.shape.slice(1));
    const pairs = frequencies.length;
    for (const { start, length, position } of segments) {
      for (let t = 0; t < length; t++) {
        const token = (start + t) * perToken;
        for (let i = 0; i < pairs; i++) {
          const angle = (position + t) * frequencies[i]!;
          const sine = amplitude * Math.sin(angle);
          const cosine = amplitude * Math.cos(angle);
          const first = pairing === 'half' ? i : 2 * i;
          const second = pairing === 'half' ? i + pairs : 2 * i + 1;
          for (let row = token; row < token + perToken; row += channels) {
            const a = x!.data[row + first]!;
            const b = x!.data[row + second]!;
            data[row + first] = a * cosine - b * sine;
            data[row + second] = b * cosine + a * sine;
          }
        }
      }
    }
    return { shape: x!.shape, data };
  },
  // The transpose of a rotation turns the other way.
  gradient: (builder, { attributes }, g) => [
    builder.add('rope', [g], { ...attributes, frequencies: attributes.frequencies.map((f) => -f) }),
  ],
};
