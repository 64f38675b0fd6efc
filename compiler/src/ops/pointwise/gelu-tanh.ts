import { unary } from './pointwise.js';

const SLOPE = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

export const geluTanh = unary({
  name: 'gelu_tanh',
  doc: 'gelu by its tanh approximation: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).',
  scalar: { form: 'call', fn: 'gelu_tanh' },
  value: (x) => 0.5 * x * (1 + Math.tanh(SLOPE * (x + CUBIC * x ** 3))),
  gradient: (b, { x, g }) => {
    // With u = SLOPE (x + CUBIC x^3) and t = tanh(u): (1 + t)/2 + x/2 (1 - t^2) SLOPE (1 + 3 CUBIC x^2).
    const square = b.add('mul', [x, x], {});
    const inside = b.add('add', [b.add('mul', [square, b.constant(CUBIC)], {}), b.constant(1)], {});
    const t = b.add('tanh', [b.add('mul', [b.add('mul', [x, b.constant(SLOPE)], {}), inside], {})], {});
    const first = b.add('mul', [b.add('add', [t, b.constant(1)], {}), b.constant(0.5)], {});
    const du = b.add('add', [b.add('mul', [square, b.constant(1.5 * SLOPE * CUBIC)], {}), b.constant(0.5 * SLOPE)], {});
    const flat = b.add('sub', [b.constant(1), b.add('mul', [t, t], {})], {});
    const second = b.add('mul', [b.add('mul', [x, du], {}), flat], {});
    return b.add('mul', [g, b.add('add', [first, second], {})], {});
  },
});
