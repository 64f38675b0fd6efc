/** Random kernels: the verifier, the interpreter, the printer and the adapter's WGSL compiler agree with each other. */
import fc from 'fast-check';
import { run } from '@hyb/compiler/kernel/check/index';
import { printKernel } from '@hyb/compiler/kernel/print';
import { verifyKernel } from '@hyb/compiler/kernel/verify';
import { compilerMessages, moduleSource, runOnDevice } from '../support/kernel-device.js';
import type { RandomKernel, RandomKernelOptions } from '../support/random-kernel.js';
import { randomKernel } from '../support/random-kernel.js';

const generated = (options: RandomKernelOptions): fc.Arbitrary<RandomKernel> =>
  fc
    .gen()
    .map((g) => randomKernel((n) => g(fc.nat, { max: n - 1 }), options))
    .map((random) => Object.assign(random, { [fc.toStringMethod]: () => printKernel(random.kernel) }));

const RUNS = 40;
/** Shrinking a counterexample may take long. */
const TIME = { interruptAfterTimeLimit: 60_000 };

test('sound kernels: no fault, and the same bits on the adapter', async () => {
  await fc.assert(
    fc.asyncProperty(generated({}), async (random) => {
      const { kernel, options } = random;
      expect(verifyKernel(kernel)).toEqual([]);
      const expected = random.buffers();
      expect(run(kernel, { ...options, buffers: expected }).faults).toEqual([]);
      const found = random.buffers();
      await runOnDevice(kernel, { ...options, buffers: found });
      expect(found.out).toEqual(expected.out);
    }),
    { numRuns: RUNS, ...TIME },
  );
}, 120_000);

test('barriers anywhere: what the verifier lets through compiles and is uniform', async () => {
  let sound = 0;
  await fc.assert(
    fc.asyncProperty(generated({ wildBarriers: true, half: true }), async (random) => {
      const { kernel, options } = random;
      if (verifyKernel(kernel).length > 0) return;
      sound++;
      const faults = run(kernel, { ...options, buffers: random.buffers() }).faults.filter(
        (f) => f.kind === 'non_uniform',
      );
      expect(faults).toEqual([]);
      expect(await compilerMessages(moduleSource(kernel, { buffers: random.buffers() }))).toEqual([]);
    }),
    { numRuns: 3 * RUNS, ...TIME },
  );
  expect(sound).toBeGreaterThan(RUNS / 2);
}, 120_000);
