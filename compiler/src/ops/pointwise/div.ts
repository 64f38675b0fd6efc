import { binary } from './pointwise.js';

export const div = binary({
  name: 'div',
  doc: 'Quotient.',
  scalar: { form: 'binary', operator: '/' },
  value: (a, b) => a / b,
  gradient: (builder, { b, y, g }) => {
    const da = builder.add('div', [g, b], {});
    return [da, builder.add('neg', [builder.add('mul', [da, y], {})], {})];
  },
});
