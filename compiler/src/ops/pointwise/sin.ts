import { unary } from './pointwise.js';

export const sin = unary({
  name: 'sin',
  doc: 'Sine of x radians.',
  scalar: { form: 'call', fn: 'sin' },
  value: Math.sin,
  gradient: (b, { x, g }) => b.add('mul', [g, b.add('cos', [x], {})], {}),
});
