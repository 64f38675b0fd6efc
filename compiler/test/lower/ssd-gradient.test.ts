import type { OpAttributes } from '../../src/ops/attributes.js';
import { lowerSsdGradient } from '../../src/lower/ssd/gradient/gradient.js';
import { sampleRecurrence, stateSpaceGradients } from './cases.js';
import { compareGradients } from './gradients.js';
import { interpretFast } from './machine.js';

/**
 * The log decay of a chunk is up to 64 · 0.26 · 16, about 2^8, for steps as sampled here (0.26 on average): rounded to 2^-16 in
 * each of its sums, of which exp makes as large relative errors of decays. The gradient of a single A may cancel, so there
 * are several heads where sums are long.
 */
const TOLERANCE = 2 ** -14;

describe("SSD's gradients", () => {
  test.each<OpAttributes['ssd']>([
    { heads: 1, head_dim: 4, groups: 1, state: 4 },
    { heads: 4, head_dim: 8, groups: 2, state: 12 },
    { heads: 3, head_dim: 5, groups: 3, state: 6 },
    { heads: 2, head_dim: 20, groups: 1, state: 20 },
  ])('$heads heads of $head_dim, $groups groups, state $state: a ragged batch', async (attributes) => {
    await compareGradients({
      gradients: stateSpaceGradients(attributes),
      lowering: lowerSsdGradient,
      counts: [5, 0, 1, 70],
      tolerance: TOLERANCE,
      sample: sampleRecurrence,
    });
  });

  test.each<OpAttributes['ssd'] & { readonly counts?: readonly number[] }>([
    { heads: 2, head_dim: 8, groups: 1, state: 8 },
    { heads: 3, head_dim: 132, groups: 1, state: 4, counts: [65] },
    { heads: 4, head_dim: 4, groups: 2, state: 140, counts: [65] },
    { heads: 4, head_dim: 4, groups: 1, state: 72, counts: [65] },
  ])('borders of chunks and blocks: head of $head_dim, state $state', async ({ counts, ...attributes }) => {
    await compareGradients({
      gradients: stateSpaceGradients(attributes),
      lowering: lowerSsdGradient,
      counts: counts ?? [63, 64, 65, 130],
      tolerance: TOLERANCE,
      sample: sampleRecurrence,
      execute: interpretFast,
    });
  });

  test.each<OpAttributes['ssd_gradient']['of']>(['x', 'dt', 'A', 'B', 'C'])('of %s alone', async (of) => {
    await compareGradients({
      gradients: stateSpaceGradients({ heads: 2, head_dim: 4, groups: 1, state: 4 }, [of]),
      lowering: lowerSsdGradient,
      counts: [66],
      tolerance: TOLERANCE,
      sample: sampleRecurrence,
    });
  });
});
