import { binary } from './pointwise.js';

export const pow = binary({
  name: 'pow',
  doc: 'a to the power of b. Lowering expands constant whole exponents, so negative a is allowed there as here.',
  scalar: { form: 'call', fn: 'pow' },
  value: (a, b) => a ** b,
  gradient: (builder, { a, b, y, g }) => {
    const exponent = builder.add('sub', [b, builder.constant(1)], {});
    const da = builder.add('mul', [b, builder.add('pow', [a, exponent], {})], {});
    // y log a, and 0 where a is not positive: the limit at a = 0, and no derivative exists below.
    const positive = builder.add('less', [builder.constant(0), a], {});
    const logarithm = builder.add('log', [builder.add('where', [positive, a, builder.constant(1)], {})], {});
    const db = builder.add('mul', [y, logarithm], {});
    return [builder.add('mul', [g, da], {}), builder.add('mul', [g, db], {})];
  },
});
