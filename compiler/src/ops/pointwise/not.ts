import { unary } from './pointwise.js';

export const not = unary({
  name: 'not',
  doc: 'Logical negation.',
  scalar: { form: 'prefix', operator: '!' },
  domain: 'logic',
  value: (x) => (x === 0 ? 1 : 0),
});
