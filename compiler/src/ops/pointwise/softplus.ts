import { unary } from './pointwise.js';

/** Looked up once: evaluation calls them for every element. */
const { abs, exp, log1p, max } = Math;

export const softplus = unary({
  name: 'softplus',
  doc: 'log(1 + exp(x)).',
  scalar: { form: 'call', fn: 'softplus' },
  value: (x) => max(x, 0) + log1p(exp(-abs(x))),
  gradient: (b, { x, g }) => b.add('mul', [g, b.add('sigmoid', [x], {})], {}),
});
