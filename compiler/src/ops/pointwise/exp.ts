import { unary } from './pointwise.js';

export const exp = unary({
  name: 'exp',
  doc: 'e to the power of x.',
  scalar: { form: 'call', fn: 'exp' },
  value: Math.exp,
  gradient: (b, { y, g }) => b.add('mul', [g, y], {}),
});
