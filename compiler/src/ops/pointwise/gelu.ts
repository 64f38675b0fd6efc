import { erfc } from '../../numeric/erf.js';
import { unary } from './pointwise.js';

export const gelu = unary({
  name: 'gelu',
  doc: 'x times the normal distribution function of x (Hendrycks & Gimpel 2016), exact.',
  scalar: { form: 'call', fn: 'gelu' },
  value: (x) => 0.5 * x * erfc(-x * Math.SQRT1_2),
  gradient: (b, { x, g }) => {
    // d/dx x Phi(x) = Phi(x) + x phi(x)
    const phi = b.add(
      'mul',
      [
        b.add('exp', [b.add('mul', [b.add('mul', [x, x], {}), b.constant(-0.5)], {})], {}),
        b.constant(1 / Math.sqrt(2 * Math.PI)),
      ],
      {},
    );
    const erf = b.add('erf', [b.add('mul', [x, b.constant(Math.SQRT1_2)], {})], {});
    const cumulative = b.add('mul', [b.add('add', [erf, b.constant(1)], {}), b.constant(0.5)], {});
    return b.add('mul', [g, b.add('add', [cumulative, b.add('mul', [x, phi], {})], {})], {});
  },
});
