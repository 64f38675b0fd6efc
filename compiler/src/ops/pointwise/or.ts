import { binary } from './pointwise.js';

export const or = binary({
  name: 'or',
  doc: 'At least one holds.',
  scalar: { form: 'binary', operator: '||' },
  domain: 'logic',
  value: (a, b) => (a !== 0 || b !== 0 ? 1 : 0),
});
