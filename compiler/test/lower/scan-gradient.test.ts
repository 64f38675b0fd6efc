import { lowerScanGradient } from '../../src/lower/scan/gradient/gradient.js';
import { compareGradients } from './gradients.js';
import { interpretFast } from './machine.js';
import { correcting, decaying, dense, matrixMemory, scanGradients, shifting, swapping } from './scan-cases.js';
import type { ScanCase } from './scan-cases.js';

/** Some tens of operations a token both ways, whose errors the recurrences here keep but do not amplify. */
const TOLERANCE = 2 ** -16;

describe("a scan's gradients", () => {
  test.each<[string, ScanCase]>([
    ['a decaying vector', decaying(5)],
    ['a decaying vector in ragged slices', decaying(151)],
    ['a corrected matrix', correcting(2, 3, 5)],
    ['matrix memory', matrixMemory(2, 6)],
    ['dense', dense(7)],
    ['swapping', swapping(3, 6)],
    ['shifting', shifting(3, 4)],
    ['shifting, reductions in workgroup memory', shifting(2, 37)],
  ])('%s: a ragged batch', async (_, scanCase) => {
    await compareGradients({
      gradients: scanGradients(scanCase),
      lowering: lowerScanGradient,
      counts: [5, 0, 1, 38],
      tolerance: TOLERANCE,
    });
  });

  test.each<[string, ScanCase]>([
    ['a decaying vector', decaying(3)],
    ['a corrected matrix, states outside of workgroup memory', correcting(1, 40, 60)],
    ['dense, more than a workgroup', dense(60)],
  ])('%s: borders of chunks', async (_, scanCase) => {
    await compareGradients({
      gradients: scanGradients(scanCase),
      lowering: lowerScanGradient,
      counts: [31, 64, 33],
      tolerance: TOLERANCE,
      execute: interpretFast,
    });
  });

  test('of some inputs only', async () => {
    const all = scanGradients(correcting(2, 3, 5));
    for (const input of [0, 1, 5]) {
      await compareGradients({
        gradients: { ...all, attributes: all.attributes.filter((a) => a.of === input) },
        lowering: lowerScanGradient,
        counts: [3, 35],
        tolerance: TOLERANCE,
      });
    }
  });
});
