/** The kernels of gradients as WGSL on the adapter at hand, against the f64 references. */
import { TIME, dim, tensor } from '../../src/graph/types.js';
import { lowerAttendGradient } from '../../src/lower/attend/gradient/gradient.js';
import { lowerConv1dInputGradient, lowerConv1dWeightGradient } from '../../src/lower/conv1d-gradient.js';
import { lowerScanGradient } from '../../src/lower/scan/gradient/gradient.js';
import { lowerSsdGradient } from '../../src/lower/ssd/gradient/gradient.js';
import type { OpAttributes } from '../../src/ops/attributes.js';
import { attentionGradients, sampleRecurrence, stateSpaceGradients } from './cases.js';
import type { AttentionSizes } from './cases.js';
import { compareGradients } from './gradients.js';
import { onDevice } from './machine.js';
import { correcting, decaying, scanGradients, shifting } from './scan-cases.js';

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

test(
  'convolution',
  async () => {
    const [values, weight] = [tensor([TIME, dim('channels', 300)]), tensor([dim('channels', 300), dim('kernel', 4)])];
    const c = { counts: [5, 0, 1, 311], tolerance: TOLERANCE, execute: onDevice };
    await compareGradients({
      ...c,
      gradients: { op: 'conv1d_input_gradient', types: [values, weight], attributes: [{ kernel: 4 }] },
      lowering: lowerConv1dInputGradient,
    });
    await compareGradients({
      ...c,
      gradients: {
        op: 'conv1d_weight_gradient',
        types: [values, values],
        attributes: [{ kernel: 4, dims: weight.dims }],
      },
      lowering: lowerConv1dWeightGradient,
    });
  },
  SLOW,
);

test.each([
  ['a decaying vector', decaying(512)],
  ['a corrected matrix', correcting(2, 24, 40)],
  ['shifting', shifting(2, 37)],
])(
  'scan: %s',
  async (_, scanCase) => {
    await compareGradients({
      gradients: scanGradients(scanCase),
      lowering: lowerScanGradient,
      counts: [5, 0, 1, 70],
      tolerance: TOLERANCE,
      execute: onDevice,
    });
  },
  SLOW,
);
