import type { OpAttributes } from '../../src/ops/attributes.js';
import { lowerAttendGradient } from '../../src/lower/attend/gradient/gradient.js';
import { attentionGradients } from './cases.js';
import type { AttentionSizes } from './cases.js';
import { compareGradients } from './gradients.js';
import { interpretFast } from './machine.js';

/**
 * Scores are sums of d products of size about 1, of which exp makes relative errors; p (dp - Σ p dp) loses little more,
 * because gradients are compared with their largest entry. 2^-17 leaves a factor of eight for d = 24.
 */
const TOLERANCE = 2 ** -17;

describe("attention's gradients", () => {
  test.each<[string, AttentionSizes, Partial<OpAttributes['attend']>]>([
    ['one head', { heads: 1, kv: 1, d: 8 }, {}],
    ['groups of two', { heads: 4, kv: 2, d: 12, dv: 20 }, {}],
    ['groups of three, rows not in fours', { heads: 3, kv: 1, d: 6, dv: 5 }, {}],
    ['a window', { heads: 2, kv: 1, d: 8 }, { window: 7 }],
    ['cap and temperature', { heads: 2, kv: 1, d: 8 }, { cap: 1.5, temperature: 0.5 }],
    ['clip', { heads: 3, kv: 1, d: 8 }, { clip: [1.03, -0.03] }],
    ['clip in a window, with a cap', { heads: 2, kv: 2, d: 8 }, { clip: [1.1, -0.1], window: 5, cap: 3 }],
  ])('%s: a ragged batch', async (_, sizes, attributes) => {
    await compareGradients({
      gradients: attentionGradients(sizes, attributes),
      lowering: lowerAttendGradient,
      counts: [5, 0, 1, 37],
      tolerance: TOLERANCE,
    });
  });

  test.each<[string, AttentionSizes, Partial<OpAttributes['attend']>, counts?: readonly number[]]>([
    ['no window', { heads: 2, kv: 1, d: 4 }, {}],
    ['a window of a tile', { heads: 2, kv: 2, d: 4 }, { window: 32 }],
    ['a window that ends a key after a tile', { heads: 1, kv: 1, d: 4 }, { window: 33 }],
    ['rows of several fours an invocation', { heads: 1, kv: 1, d: 72, dv: 68 }, {}, [3, 40]],
    ['rows in blocks', { heads: 1, kv: 1, d: 132, dv: 140 }, {}, [3, 40]],
  ])('borders of tiles, %s', async (_, sizes, attributes, counts = [31, 64, 33, 97]) => {
    await compareGradients({
      gradients: attentionGradients(sizes, attributes),
      lowering: lowerAttendGradient,
      counts,
      tolerance: TOLERANCE,
      execute: interpretFast,
    });
  });

  test('scores far beyond what exp can hold, and gradients of some inputs only', async () => {
    await compareGradients({
      gradients: { ...attentionGradients({ heads: 2, kv: 1, d: 8 }, {}, ['v']) },
      lowering: lowerAttendGradient,
      counts: [40],
      tolerance: TOLERANCE * 2 ** 5,
      sample: (i, r) => (i < 2 ? 30 : 1) * r.normal(),
    });
  });
});
