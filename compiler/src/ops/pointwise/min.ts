import { chosen } from './chosen.js';
import { binary } from './pointwise.js';

export const min = binary({
  name: 'min',
  doc: 'The smaller one. The gradient goes to it, and half to each of two equals.',
  scalar: { form: 'call', fn: 'min' },
  value: (a, b) => Math.min(a, b),
  gradient: (builder, { a, b, g }) => chosen(builder, 'min', a, b, g),
});
