/**
 * Every distinct kernel that the models of `models/` compile to, fused and unfused, prefill, decoding and sampling, all
 * variants: at shrunken sizes that no tile divides without faults in the checking interpreter, in agreement with the f64
 * reference, and such that mistakes in them would be noticed. Kernels that differ in their numbers alone are one.
 *
 * Of each kernel's mutants some are run, of other kinds from kernel to kernel; `HYB_EXHAUSTIVE=1` runs all, which takes hours.
 */
import { setFlagsFromString } from 'node:v8';
import type { MutationKind } from '../../src/kernel/check/index.js';
import { publishedShapes, recordModelKernels, recordSampler, SAME } from './model-kernels.js';
import { DispatchRecord, mutantsOf, verdictOn } from './mutants.js';

/** The 830M baseline and the methods that are one-line derivations of it have about half of all kernels. */
export const isMethods = (file: string): boolean => file === 'baseline-830m.hyb';

/** Mutants of each kernel. */
const EACH = process.env['HYB_EXHAUSTIVE'] === '1' ? Infinity : 2;

const KINDS: readonly MutationKind[] = [
  'drop_barrier',
  'off_by_one',
  'loop_bounds',
  'drop_mask',
  'strictness',
  'swapped',
  'initial_value',
  'drop_store',
];

/**
 * Tests the kernels of the models in some files.
 *
 * @param elsewhere files whose models' kernels are tested elsewhere
 * @param least number of kernels that there are at least
 */
export async function testModelKernels(
  isWanted: (file: string) => boolean,
  elsewhere: (file: string) => boolean,
  least: number,
): Promise<void> {
  // A kernel runs a few times: optimising a long function takes longer than it saves.
  setFlagsFromString('--max-optimized-bytecode-size=10000');
  const tested = publishedShapes(elsewhere);
  const wanted = new Set([...publishedShapes(isWanted)].filter((shape) => !tested.has(shape)));
  const record = new DispatchRecord(wanted);
  const runs = recordModelKernels(record, isWanted);
  await recordSampler(record);
  const mutants = [...record.kernels.values()].flatMap((recorded, i) =>
    mutantsOf(recorded.kernel, i, EACH).map((mutant) => ({ recorded, mutant })),
  );

  test(`all ${wanted.size} kernels are run, without faults`, () => {
    expect([...wanted].filter((shape) => !record.kernels.has(shape))).toEqual([]);
    expect(wanted.size).toBeGreaterThanOrEqual(least);
    expect(record.faults).toEqual([]);
  });

  test('variants compute what the core kernel computes', () => {
    expect(runs.flatMap(({ name, different }) => different.map((d) => `${name}: ${d}`))).toEqual([]);
  });

  // Where a sum lies on the border between two bf16 values, f32 and f64 may round to different sides: 2^-8 of a value.
  test.each(runs)('$name: as the reference', ({ difference }) => {
    expect(difference).toBeLessThan(2 ** -7);
  });

  test(`${mutants.length} mutants are caught, but for those that nobody could tell from the kernel`, () => {
    const verdicts = mutants.map(({ recorded, mutant }) => verdictOn(recorded, mutant, SAME));
    const survivors = mutants.filter((_, i) => verdicts[i] === 'survives');
    expect(
      survivors.map(({ recorded, mutant }) => {
        return `${recorded.kernel.name} ${mutant.kind} ${mutant.path}: ${mutant.description}`;
      }),
    ).toEqual([]);
    expect(new Set(mutants.map(({ mutant }) => mutant.kind))).toEqual(new Set(KINDS));
    // Of each kind most do make a difference.
    for (const kind of KINDS) {
      const own = verdicts.filter((_, i) => mutants[i]!.mutant.kind === kind);
      expect(own.filter((v) => v === 'caught').length).toBeGreaterThan(0.6 * own.length);
    }
  });
}
