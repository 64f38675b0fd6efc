import { unary } from './pointwise.js';

export const rsqrt = unary({
  name: 'rsqrt',
  doc: 'One over the square root.',
  scalar: { form: 'call', fn: 'rsqrt' },
  value: (x) => 1 / Math.sqrt(x),
  gradient: (b, { y, g }) => {
    const cube = b.add('mul', [y, b.add('mul', [y, y], {})], {});
    return b.add('mul', [g, b.add('mul', [cube, b.constant(-0.5)], {})], {});
  },
});
