import { unary } from './pointwise.js';

export const softplus = unary({
  name: 'softplus',
  doc: 'log(1 + exp(x)).',
  scalar: { form: 'call', fn: 'softplus' },
  value: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  gradient: (b, { x, g }) => b.add('mul', [g, b.add('sigmoid', [x], {})], {}),
});
