import { reduction } from './reduce.js';

export const mean = reduction({
  name: 'mean',
  doc: 'Mean over dimensions.',
  initial: 0,
  combine: (a, b) => a + b,
  scalar: { form: 'binary', operator: '+' },
  finish: (total, count) => total / count,
  gradient: (builder, { y, g, dims }) => {
    const kept = new Set(builder.typeOf(y).dims.map((d) => d.name));
    const count = dims.reduce((n, d) => (kept.has(d.name) || d.extent === 'time' ? n : n * d.extent), 1);
    const share = builder.add('mul', [g, builder.constant(1 / count)], {});
    return builder.add('broadcast', [share], { dims });
  },
});
