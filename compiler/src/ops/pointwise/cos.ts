import { unary } from './pointwise.js';

export const cos = unary({
  name: 'cos',
  doc: 'Cosine of x radians.',
  scalar: { form: 'call', fn: 'cos' },
  value: Math.cos,
  gradient: (b, { x, g }) => b.add('neg', [b.add('mul', [g, b.add('sin', [x], {})], {})], {}),
});
