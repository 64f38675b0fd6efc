import { unary } from './pointwise.js';

export const abs = unary({
  name: 'abs',
  doc: 'Absolute value.',
  scalar: { form: 'call', fn: 'abs' },
  value: Math.abs,
  gradient: (b, { x, g }) => {
    const zero = b.constant(0);
    const sign = b.add(
      'sub',
      [
        b.add('where', [b.add('less', [zero, x], {}), b.constant(1), zero], {}),
        b.add('where', [b.add('less', [x, zero], {}), b.constant(1), zero], {}),
      ],
      {},
    );
    return b.add('mul', [g, sign], {});
  },
});
