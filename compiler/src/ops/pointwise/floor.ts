import { unary } from './pointwise.js';

export const floor = unary({
  name: 'floor',
  doc: 'Largest whole number not above x.',
  scalar: { form: 'call', fn: 'floor' },
  value: Math.floor,
});
