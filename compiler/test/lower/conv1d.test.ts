import { lowerConv1d } from '../../src/lower/conv1d.js';
import { compareWithReference, decode, prefill } from './against-reference.js';
import type { Round } from './against-reference.js';
import { convolution } from './cases.js';

/** A sum of `kernel` products and a bias, each rounded. */
const tolerance = (kernel: number): number => (kernel + 2) * 2 ** -23;

describe('conv1d', () => {
  const rounds: readonly Round[] = [
    prefill(5, 0, 1, 40),
    decode(2, 0, 3),
    prefill(2, 3, 16, 17),
    { ...prefill(1, 0, 2, 0), restart: [2] },
    decode(3, 2, 1, 0),
    decode(0),
  ];
  test.each([
    [5, 4, true],
    [300, 4, false],
    [7, 2, true],
    [3, 1, true],
    [2, 23, true],
  ])('%d channels, kernel %d, bias %s: ragged batches with carried state', async (channels, kernel, bias) => {
    await compareWithReference({
      graph: convolution(channels, kernel, bias),
      lowering: lowerConv1d,
      rounds,
      tolerance: tolerance(kernel),
    });
  });
});
