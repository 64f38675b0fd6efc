import { unary } from './pointwise.js';

export const sqrt = unary({
  name: 'sqrt',
  doc: 'Square root.',
  scalar: { form: 'call', fn: 'sqrt' },
  value: Math.sqrt,
  gradient: (b, { y, g }) => b.add('div', [b.add('mul', [g, b.constant(0.5)], {}), y], {}),
});
