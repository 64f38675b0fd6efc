/** The kernels of gradients as WGSL on the adapter at hand, against the f64 references. */
import { lowerAttendGradient } from '../../src/lower/attend/gradient/gradient.js';
import { lowerSsdGradient } from '../../src/lower/ssd/gradient/gradient.js';
import type { OpAttributes } from '../../src/ops/attributes.js';
import { attentionGradients, sampleRecurrence, stateSpaceGradients } from './cases.js';
import type { AttentionSizes } from './cases.js';
import { compareGradients } from './gradients.js';
import { onDevice } from './machine.js';

// A software adapter takes seconds to compile the larger kernels.
const SLOW = 120_000;

/** Devices may be off by a few units in the last place in exp and division, where the interpreter rounds correctly. */
const TOLERANCE = 2 ** -15;

test.each<[string, AttentionSizes, Partial<OpAttributes['attend']>]>([
  ['width 512 in groups of four', { heads: 8, kv: 2, d: 64 }, {}],
  [
    'rows not in fours, window, cap and temperature',
    { heads: 3, kv: 1, d: 6, dv: 5 },
    { window: 33, cap: 2, temperature: 0.5 },
  ],
  ['clip', { heads: 2, kv: 2, d: 16 }, { clip: [1.03, -0.03] }],
  ['heads of 128', { heads: 2, kv: 1, d: 128 }, {}],
])(
  'attention: %s',
  async (_, sizes, attributes) => {
    await compareGradients({
      gradients: attentionGradients(sizes, attributes),
      lowering: lowerAttendGradient,
      counts: [5, 0, 1, 311],
      tolerance: TOLERANCE,
      execute: onDevice,
    });
  },
  SLOW,
);

test.each<OpAttributes['ssd']>([
  { heads: 8, head_dim: 64, groups: 2, state: 128 },
  { heads: 3, head_dim: 5, groups: 3, state: 6 },
])(
  'ssd: $heads heads of $head_dim, state $state',
  async (attributes) => {
    await compareGradients({
      gradients: stateSpaceGradients(attributes),
      lowering: lowerSsdGradient,
      counts: [5, 0, 1, 311],
      // See the tests in the interpreter.
      tolerance: 2 ** -14,
      sample: sampleRecurrence,
      execute: onDevice,
    });
  },
  SLOW,
);
