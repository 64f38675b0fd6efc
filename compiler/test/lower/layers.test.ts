/** Feed-forward layers on the adapter: fused, unfused and the f64 meaning agree, at sizes no tile divides. */
import { TOKENS } from '../../src/fuse/axis.js';
import { lower } from '../../src/lower/lower.js';
import { compareLayer, worst } from '../support/lowered.js';
import * as layers from '../support/layers.js';

// f32 sums of at most 130 products, twice: a few hundred roundings of 2^-24, in sequence at worst.
const TOLERANCE = 130 * 2 ** -24;

const GRAPHS = {
  MLP: { graph: layers.residualLayer('F', 60, 1e-5, layers.mlp(130, 60)), width: 60 },
  'MLP of odd width': { graph: layers.residualLayer('F', 61, 1e-5, layers.mlp(131, 61)), width: 61 },
  GatedMLP: { graph: layers.residualLayer('G', 64, 1e-5, layers.gatedMlp(120, 64)), width: 64 },
} as const;

describe.each(Object.entries(GRAPHS))('%s', (_, { graph, width }) => {
  test.each([
    ['prefill', true, 37],
    ['prefill', false, 37],
    ['prefill', true, 1],
    ['decode', true, 3],
    ['decode', false, 3],
  ] as const)('%s, fused: %s, %i tokens', async (mode, fused, tokens) => {
    const result = await compareLayer(graph, { mode, fused, tokens, width });
    expect(worst(result)).toBeLessThan(TOLERANCE);
  });

  test.each([
    ['prefill', true, 'core'],
    ['prefill', false, 'core'],
    ['prefill', true, 'second'],
    ['decode', true, 'core'],
    ['decode', true, 'second'],
    ['decode', true, 'best'],
  ] as const)('%s in the checking interpreter, fused: %s, %s variants', async (mode, fused, variants) => {
    const result = await compareLayer(graph, { mode, fused, tokens: 3, width, variants, on: 'interpreter' });
    expect(result.faults).toEqual([]);
    expect(worst(result)).toBeLessThan(TOLERANCE);
  });

  test.each([
    ['prefill', 'best', 3],
    // Two tiles, of which the second one takes two of four passes.
    ['prefill', 'second', 64 + 17],
    ['decode', 'best', 3],
    ['decode', 'second', 3],
  ] as const)('%s, %s variants, %i tokens', async (mode, variants, tokens) => {
    const result = await compareLayer(graph, { mode, fused: true, tokens, width, variants });
    expect(worst(result)).toBeLessThan(TOLERANCE);
  });

  test('takes two dispatches a token when fused', () => {
    expect(lower(graph, { mode: 'decode', fused: true, axis: TOKENS, inPlace: true })).toHaveLength(2);
  });
});
