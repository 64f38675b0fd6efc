import { unary } from './pointwise.js';

export const tanh = unary({
  name: 'tanh',
  doc: 'Hyperbolic tangent.',
  scalar: { form: 'call', fn: 'safe_tanh' },
  value: Math.tanh,
  gradient: (b, { y, g }) => b.add('mul', [g, b.add('sub', [b.constant(1), b.add('mul', [y, y], {})], {})], {}),
});
