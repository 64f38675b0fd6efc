import { evaluateSize, type SizeValues } from '@hyb/runtime';

test('sizes are evaluated for a call', () => {
  const values = { tokens: 33, sequences: 2 } as SizeValues;
  expect(evaluateSize(['add', ['ceil_div', 'tokens', 16], ['max', 'sequences', 1]], values)).toBe(5);
});
