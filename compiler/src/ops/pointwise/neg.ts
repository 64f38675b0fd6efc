import { unary } from './pointwise.js';

export const neg = unary({
  name: 'neg',
  doc: 'The negative of x.',
  scalar: { form: 'prefix', operator: '-' },
  value: (x) => -x,
  gradient: (b, { g }) => b.add('neg', [g], {}),
});
