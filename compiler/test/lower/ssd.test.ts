import { lowerSsd } from '../../src/lower/ssd/ssd.js';
import type { OpAttributes } from '../../src/ops/attributes.js';
import { compareWithReference, decode, prefill } from './against-reference.js';
import type { Round } from './against-reference.js';
import { sampleRecurrence, stateSpace } from './cases.js';
import { interpretFast } from './machine.js';

/** Sums of at most a few hundred products; the log decay of a chunk, up to 64 · 2 · 16, loses 2^-13 of itself in exp's argument. */
const TOLERANCE = 2 ** -16;

const RAGGED: readonly Round[] = [
  prefill(5, 0, 1, 67),
  decode(2, 0, 3),
  prefill(2, 3, 64, 1),
  { ...prefill(1, 0, 2, 0), restart: [2] },
  decode(3, 2, 1, 0),
  decode(0),
];

describe('ssd', () => {
  test.each<OpAttributes['ssd']>([
    { heads: 1, head_dim: 4, groups: 1, state: 4 },
    { heads: 4, head_dim: 8, groups: 2, state: 16 },
    { heads: 3, head_dim: 5, groups: 3, state: 6 },
    { heads: 6, head_dim: 20, groups: 2, state: 24 },
    { heads: 34, head_dim: 1, groups: 1, state: 3 },
  ])(
    '$heads heads of $head_dim, $groups groups, state $state: ragged batches with carried state',
    async (attributes) => {
      await compareWithReference({
        graph: stateSpace(attributes),
        lowering: lowerSsd,
        rounds: RAGGED,
        tolerance: TOLERANCE,
        sample: sampleRecurrence,
      });
    },
  );

  test.each<OpAttributes['ssd']>([
    { heads: 2, head_dim: 64, groups: 1, state: 128 },
    { heads: 2, head_dim: 80, groups: 2, state: 256 },
    { heads: 1, head_dim: 132, groups: 1, state: 68 },
  ])('$heads heads of $head_dim, $groups groups, state $state: several chunks and blocks', async (attributes) => {
    await compareWithReference({
      graph: stateSpace(attributes),
      lowering: lowerSsd,
      rounds: [prefill(130, 64), decode(1, 0), prefill(63, 65)],
      tolerance: TOLERANCE,
      sample: sampleRecurrence,
      slots: 2,
      execute: interpretFast,
    });
  });
});
