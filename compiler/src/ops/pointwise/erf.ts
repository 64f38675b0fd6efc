import { erf as erfOf } from '../../numeric/erf.js';
import { unary } from './pointwise.js';

export const erf = unary({
  name: 'erf',
  doc: 'Error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x.',
  scalar: { form: 'call', fn: 'erf' },
  value: erfOf,
  gradient: (b, { x, g }) => {
    const bell = b.add('exp', [b.add('neg', [b.add('mul', [x, x], {})], {})], {});
    return b.add('mul', [g, b.add('mul', [bell, b.constant(2 / Math.sqrt(Math.PI))], {})], {});
  },
});
