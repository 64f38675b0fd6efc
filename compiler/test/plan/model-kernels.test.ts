/**
 * The kernels that the models of `models/` compile to, prefill and decoding, all variants, at shrunken sizes that no tile
 * divides: without faults in the checking interpreter, in agreement with the f64 reference, and such that mistakes in them
 * would be noticed. Kernels that differ in their numbers alone are run once, and again where they are larger.
 *
 * By default two models that have the most of them, fused, and a sample of the mutants; `HYB_EXHAUSTIVE=1` takes all models,
 * fused and unfused, at both sizings, and all mutants, which takes hours.
 */
import { DispatchRecord, mutantsOf, verdictOn } from '../support/mutants.js';
import { recordModelKernels, recordSampler, SAME } from '../support/model-kernels.js';

const exhaustive = process.env.HYB_EXHAUSTIVE === '1';
const MODELS = ['NemotronNano9Bv2', 'Llama31x8B'];

const record = new DispatchRecord();
const runs = exhaustive
  ? recordModelKernels(record, ['odd', 'fours'])
  : recordModelKernels(record, ['odd'], { modes: [true], only: (name) => MODELS.includes(name) });
if (exhaustive) await recordSampler(record);

test('no kernel has faults', () => {
  expect(record.faults).toEqual([]);
  expect(record.shapes.size).toBeGreaterThan(50);
});

test('variants compute what the core kernel computes', () => {
  expect(runs.flatMap(({ name, different }) => different.map((d) => `${name}: ${d}`))).toEqual([]);
});

// Where a sum lies on the border between two bf16 values, f32 and f64 may round to different sides: 2^-8 of a value.
test.each(runs.filter((run) => run.difference !== undefined))('$name: as the reference', ({ difference }) => {
  expect(difference).toBeLessThan(2 ** -7);
});

/** Mutants of each shape of kernels in the sample. */
const SAMPLE = 1;

test('mutants are caught, but for those that execute the same', () => {
  const survivors: string[] = [];
  let [tried, same] = [0, 0];
  [...record.shapes.values()].forEach((shape, i) => {
    const all = mutantsOf(shape);
    // Another part of each kernel's mutants, so that the sample has all kinds of places.
    const step = exhaustive ? 1 : Math.max(1, Math.floor(all.length / SAMPLE));
    for (let at = exhaustive ? 0 : (7 * i) % step; at < all.length; at += step) {
      const verdict = verdictOn(shape, all[at]!, SAME);
      tried++;
      if (verdict === 'same') same++;
      const { kind, path, description } = all[at]![0]!;
      if (verdict === 'survives') survivors.push(`${shape[0]!.kernel.name} ${kind} ${path}: ${description}`);
    }
  });
  expect(survivors).toEqual([]);
  expect(tried).toBeGreaterThan(50);
  // Most do make a difference.
  expect(same).toBeLessThan(0.2 * tried);
});
