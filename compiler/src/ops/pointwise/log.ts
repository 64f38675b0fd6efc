import { unary } from './pointwise.js';

export const log = unary({
  name: 'log',
  doc: 'Natural logarithm.',
  scalar: { form: 'call', fn: 'log' },
  value: Math.log,
  gradient: (b, { x, g }) => b.add('div', [g, x], {}),
});
