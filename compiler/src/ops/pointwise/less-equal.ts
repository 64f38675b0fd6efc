import { binary } from './pointwise.js';

export const lessEqual = binary({
  name: 'less_equal',
  doc: 'a <= b.',
  scalar: { form: 'binary', operator: '<=' },
  domain: 'comparison',
  value: (a, b) => (a <= b ? 1 : 0),
});
