import { unary } from './pointwise.js';

/** Looked up once: evaluation calls it for every element. */
const { exp } = Math;

export const silu = unary({
  name: 'silu',
  doc: 'x * sigmoid(x).',
  scalar: { form: 'call', fn: 'silu' },
  value: (x) => x / (1 + exp(-x)),
  gradient: (b, { x, y, g }) => {
    // s + x s (1 - s) = s + y (1 - s)
    const s = b.add('sigmoid', [x], {});
    const slope = b.add('add', [s, b.add('mul', [y, b.add('sub', [b.constant(1), s], {})], {})], {});
    return b.add('mul', [g, slope], {});
  },
});
