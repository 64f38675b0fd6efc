import { lowerScan } from '../../src/lower/scan/scan.js';
import { planScan } from '../../src/lower/scan/plan.js';
import type { OpAttributes } from '../../src/ops/attributes.js';
import { compareWithReference, decode, prefill } from './against-reference.js';
import type { Round } from './against-reference.js';
import { dense, correcting, matrixMemory, decaying, scanGraph, shifting, swapping } from './scan-cases.js';
import type { ScanCase } from './scan-cases.js';

const ROUNDS: readonly Round[] = [
  prefill(5, 0, 1, 9),
  decode(2, 0, 3),
  prefill(2, 3, 7, 1),
  { ...prefill(1, 0, 2, 0), restart: [2] },
  decode(3, 2, 1, 0),
  decode(0),
];

/** Some tens of operations a token whose errors the recurrences here keep but do not amplify. */
const TOLERANCE = 2 ** -17;

const CASES: readonly (readonly [string, ScanCase])[] = [
  ['a decaying vector', decaying(5)],
  ['a decaying vector in ragged slices', decaying(251)],
  ['a corrected matrix, tiny', correcting(2, 3, 5)],
  ['a corrected matrix, sliced', correcting(2, 40, 72)],
  ['a corrected matrix, states outside of workgroup memory', correcting(1, 2, 3100)],
  ['matrix memory', matrixMemory(2, 6)],
  ['matrix memory, larger', matrixMemory(2, 36)],
  ['dense', dense(7)],
  ['dense, more than a workgroup', dense(300)],
  ['swapping', swapping(3, 6)],
  ['swapping, several elements an invocation', swapping(70, 9)],
  ['shifting', shifting(3, 4)],
  ['shifting, reductions in workgroup memory', shifting(2, 37)],
];

describe('scan', () => {
  test.each(CASES)('%s: ragged batches with carried state', async (_, scanCase) => {
    await compareWithReference({
      graph: scanGraph(scanCase),
      lowering: lowerScan,
      rounds: ROUNDS,
      tolerance: TOLERANCE,
    });
  });

  test('the plan: what is independent is sliced, what is pointwise needs no barrier', () => {
    const plan = (scanCase: ScanCase) => {
      const graph = scanGraph(scanCase);
      return planScan((graph.nodes[graph.output]!.attributes as OpAttributes['scan']).body);
    };
    expect(plan(decaying(4096))).toMatchObject({
      slices: [{ size: 128 }],
      threads: 128,
      statesAreShared: false,
      commitTogether: false,
      lateYields: [0],
    });
    const delta = plan(correcting(8, 128, 128));
    expect(delta).toMatchObject({
      slices: [{ size: 1 }, { size: 16 }],
      threads: 256,
      commitTogether: false,
      statesInWorkgroup: true,
    });
    expect([delta.early.length, delta.late.length]).toEqual([2, 1]);
    expect(plan(dense(300))).toMatchObject({ slices: [], statesAreShared: true });
    expect(plan(swapping(3, 3))).toMatchObject({ commitTogether: true, lateYields: [] });
    expect(plan(correcting(1, 2, 3100)).statesInWorkgroup).toBe(false);
  });
});
