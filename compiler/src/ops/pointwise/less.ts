import { binary } from './pointwise.js';

export const less = binary({
  name: 'less',
  doc: 'a < b.',
  scalar: { form: 'binary', operator: '<' },
  domain: 'comparison',
  value: (a, b) => (a < b ? 1 : 0),
});
