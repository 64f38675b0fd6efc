import { binary } from './pointwise.js';

export const add = binary({
  name: 'add',
  doc: 'Sum.',
  scalar: { form: 'binary', operator: '+' },
  value: (a, b) => a + b,
  gradient: (_builder, { g }) => [g, g],
});
