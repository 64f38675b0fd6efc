import { binary } from './pointwise.js';

export const mul = binary({
  name: 'mul',
  doc: 'Product.',
  scalar: { form: 'binary', operator: '*' },
  value: (a, b) => a * b,
  gradient: (builder, { a, b, g }) => [builder.add('mul', [g, b], {}), builder.add('mul', [g, a], {})],
});
