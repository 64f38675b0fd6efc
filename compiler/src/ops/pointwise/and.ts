import { binary } from './pointwise.js';

export const and = binary({
  name: 'and',
  doc: 'Both hold.',
  scalar: { form: 'binary', operator: '&&' },
  domain: 'logic',
  value: (a, b) => (a !== 0 && b !== 0 ? 1 : 0),
});
