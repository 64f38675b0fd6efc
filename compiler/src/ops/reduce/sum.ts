import { reduction } from './reduce.js';

export const sum = reduction({
  name: 'sum',
  doc: 'Sum over dimensions; over `time` only in gradient graphs, where it adds up all sequences.',
  initial: 0,
  combine: (a, b) => a + b,
  scalar: { form: 'binary', operator: '+' },
  gradient: (builder, { g, dims }) => builder.add('broadcast', [g], { dims }),
});
