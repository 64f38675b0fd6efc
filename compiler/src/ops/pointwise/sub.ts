import { binary } from './pointwise.js';

export const sub = binary({
  name: 'sub',
  doc: 'Difference.',
  scalar: { form: 'binary', operator: '-' },
  value: (a, b) => a - b,
  gradient: (builder, { g }) => [g, builder.add('neg', [g], {})],
});
