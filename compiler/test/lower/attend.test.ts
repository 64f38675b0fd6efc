import { lowerAttend } from '../../src/lower/attend/attend.js';
import type { OpAttributes } from '../../src/ops/attributes.js';
import { compareWithReference, decode, prefill } from './against-reference.js';
import type { Round } from './against-reference.js';
import { attention } from './cases.js';
import type { AttentionSizes } from './cases.js';
import { interpretFast } from './machine.js';

/**
 * Scores are sums of d products of size about 1, of which exp makes relative errors; the sums of weights and values keep them.
 * 2^-18 leaves a factor of eight for d = 16.
 */
const TOLERANCE = 2 ** -18;

const RAGGED: readonly Round[] = [
  prefill(5, 0, 1, 37),
  decode(2, 0, 3),
  prefill(2, 3, 33, 1),
  { ...prefill(1, 0, 2, 0), restart: [2] },
  decode(3, 2, 1, 0),
  decode(0),
];

describe('attention', () => {
  test.each<[string, AttentionSizes, Partial<OpAttributes['attend']>]>([
    ['one head', { heads: 1, kv: 1, d: 8 }, {}],
    ['groups of two', { heads: 4, kv: 2, d: 12, dv: 20 }, {}],
    ['groups of three', { heads: 6, kv: 2, d: 4 }, {}],
    ['groups of four, rows not in fours', { heads: 4, kv: 1, d: 6, dv: 5 }, {}],
    ['groups of five', { heads: 10, kv: 2, d: 8 }, {}],
    ['several fours per invocation', { heads: 2, kv: 1, d: 24, dv: 72 }, {}],
    ['a window', { heads: 2, kv: 1, d: 8 }, { window: 7 }],
    ['cap and temperature', { heads: 2, kv: 1, d: 8 }, { cap: 1.5, temperature: 0.5 }],
    ['clip', { heads: 3, kv: 1, d: 8 }, { clip: [1.03, -0.03] }],
    ['clip in a window', { heads: 2, kv: 2, d: 8 }, { clip: [1.1, -0.1], window: 5, cap: 3 }],
  ])('%s: ragged batches with carried state', async (_, sizes, attributes) => {
    await compareWithReference({
      graph: attention(sizes, attributes),
      lowering: lowerAttend,
      rounds: RAGGED,
      tolerance: TOLERANCE,
    });
  });

  test.each<[string, Partial<OpAttributes['attend']>]>([
    ['no window', {}],
    ['a window of a key tile', { window: 32 }],
    ['a window that ends a key after a tile', { window: 33 }],
    ['a window of a split', { window: 128 }],
    ['a window of a key more than a split', { window: 129, cap: 50 }],
    ['clip', { clip: [1.03, -0.03] }],
  ])('borders of tiles and splits, %s', async (_, attributes) => {
    await compareWithReference({
      graph: attention({ heads: 4, kv: 2, d: 4 }, attributes),
      lowering: lowerAttend,
      rounds: [prefill(31, 127, 64), decode(0, 1), decode(0, 1, 2), prefill(96, 128, 1), decode(0, 1), decode(1)],
      tolerance: TOLERANCE,
      slots: 3,
      capacity: 300,
      execute: interpretFast,
    });
  });
});
