// fast-check as the fuzzer has it: every property runs for HYB_FUZZ_MS, from HYB_FUZZ_SEED, however many runs that is.
import fc from '../../node_modules/fast-check/lib/fast-check.js';

const budget = {
  seed: Number(process.env.HYB_FUZZ_SEED),
  numRuns: Number.POSITIVE_INFINITY,
  // Shrinking a counterexample may take longer: it counts for itself.
  interruptAfterTimeLimit: Number(process.env.HYB_FUZZ_MS),
  markInterruptAsFailure: false,
};

export default { ...fc, assert: (property, parameters) => fc.assert(property, { ...parameters, ...budget }) };
