import { unary } from './pointwise.js';

export const relu = unary({
  name: 'relu',
  doc: 'max(x, 0).',
  scalar: { form: 'call', fn: 'max', trailing: [0] },
  value: (x) => Math.max(x, 0),
  gradient: (b, { x, g }) => b.add('where', [b.add('less', [b.constant(0), x], {}), g, b.constant(0)], {}),
});
