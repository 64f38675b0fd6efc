import { chosen } from './chosen.js';
import { binary } from './pointwise.js';

export const max = binary({
  name: 'max',
  doc: 'The larger one. The gradient goes to it, and half to each of two equals.',
  scalar: { form: 'call', fn: 'max' },
  value: (a, b) => Math.max(a, b),
  gradient: (builder, { a, b, g }) => chosen(builder, 'max', a, b, g),
});
