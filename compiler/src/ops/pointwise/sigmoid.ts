import { unary } from './pointwise.js';

/** Looked up once: evaluation calls it for every element. */
const { exp } = Math;

export const sigmoid = unary({
  name: 'sigmoid',
  doc: '1 / (1 + exp(-x)).',
  scalar: { form: 'call', fn: 'sigmoid' },
  value: (x) => 1 / (1 + exp(-x)),
  gradient: (b, { y, g }) => b.add('mul', [g, b.add('mul', [y, b.add('sub', [b.constant(1), y], {})], {})], {}),
});
