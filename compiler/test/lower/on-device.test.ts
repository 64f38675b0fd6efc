/** The structured kernels as WGSL on the adapter at hand, against the f64 references. */
import { lowerAttend } from '../../src/lower/attend/attend.js';
import { lowerConv1d } from '../../src/lower/conv1d.js';
import { raceOf } from '../../src/lower/sample/reference.js';
import { lowerScan } from '../../src/lower/scan/scan.js';
import { lowerSsd } from '../../src/lower/ssd/ssd.js';
import type { OpAttributes } from '../../src/ops/attributes.js';
import { compareWithReference, decode, prefill } from './against-reference.js';
import type { Round } from './against-reference.js';
import { attention, convolution, sampleRecurrence, stateSpace } from './cases.js';
import { correcting, decaying, scanGraph, shifting, swapping } from './scan-cases.js';
import { random } from '../support/random.js';
import { PLAIN, Sampler } from './sampler.js';
import { onDevice } from './machine.js';

// A software adapter takes seconds to compile the larger kernels.
const SLOW = 120_000;

/** Devices may be off by a few units in the last place in exp and division, where the interpreter rounds correctly. */
const TOLERANCE = 2 ** -15;
const ROUNDS: readonly Round[] = [
  prefill(5, 0, 1, 150),
  decode(2, 0, 3),
  prefill(2, 3, 70, 1),
  { ...prefill(1, 0, 2, 0), restart: [2] },
  decode(3, 2, 1, 0),
];

test(
  'convolution',
  async () => {
    await compareWithReference({
      graph: convolution(300, 4),
      lowering: lowerConv1d,
      rounds: ROUNDS,
      tolerance: TOLERANCE,
      execute: onDevice,
    });
  },
  SLOW,
);

test.each<[string, Parameters<typeof attention>]>([
  ['groups of four', [{ heads: 8, kv: 2, d: 32 }]],
  [
    'rows not in fours, window and cap',
    [
      { heads: 3, kv: 1, d: 6, dv: 5 },
      { window: 33, cap: 2, temperature: 0.5 },
    ],
  ],
  ['clip', [{ heads: 2, kv: 2, d: 16 }, { clip: [1.03, -0.03] }]],
  ['heads of 128', [{ heads: 4, kv: 1, d: 128 }]],
])(
  'attention: %s',
  async (_, args) => {
    await compareWithReference({
      graph: attention(...args),
      lowering: lowerAttend,
      rounds: ROUNDS,
      tolerance: TOLERANCE,
      execute: onDevice,
      capacity: 160,
    });
  },
  SLOW,
);

test.each<OpAttributes['ssd']>([
  { heads: 4, head_dim: 64, groups: 2, state: 128 },
  { heads: 3, head_dim: 5, groups: 3, state: 6 },
])(
  'ssd: $heads heads of $head_dim, state $state',
  async (attributes) => {
    await compareWithReference({
      graph: stateSpace(attributes),
      lowering: lowerSsd,
      rounds: ROUNDS,
      tolerance: TOLERANCE,
      sample: sampleRecurrence,
      execute: onDevice,
    });
  },
  SLOW,
);

test.each([
  ['a decaying vector', decaying(300)],
  ['a corrected matrix', correcting(2, 40, 72)],
  ['a corrected matrix, states outside of workgroup memory', correcting(1, 2, 3100)],
  ['swapping', swapping(70, 9)],
  ['shifting', shifting(2, 37)],
])(
  'scan: %s',
  async (_, scanCase) => {
    await compareWithReference({
      graph: scanGraph(scanCase),
      lowering: lowerScan,
      rounds: ROUNDS,
      tolerance: TOLERANCE,
      execute: onDevice,
    });
  },
  SLOW,
);

test.each(['core', 'best'] as const)(
  'sampling from 262,144 tokens, %s variants',
  async (variants) => {
    const vocab = 262_144;
    const settings = [{}, { topK: 50, topP: 0.95 }, { topP: 0.9999, temperature: 2 }, { temperature: 0 }].map(
      (s, i) => ({ ...PLAIN, ...s, seed: i }),
    );
    const sampler = new Sampler(
      vocab,
      settings.map((_, slot) => ({ slot, count: 1, position: 3 })),
      settings,
      onDevice,
      settings.length,
      variants,
    );
    const r = random(3);
    const logits = Float32Array.from({ length: vocab }, () => 3 * r.normal());
    settings.forEach((_, i) => sampler.setLogits(i, logits));
    const tokens = await sampler.step();
    settings.forEach((s, i) => {
      const race = raceOf(logits, () => false, s);
      // Scores and noise are f32 there: of two that are closer than that either may win.
      expect(race[tokens[i]!]).toBeGreaterThan(race.reduce((a, b) => Math.max(a, b)) - 1e-4);
    });
  },
  SLOW,
);
