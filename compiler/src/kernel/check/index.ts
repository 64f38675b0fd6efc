export { run } from './run.js';
export type { BufferData, RunOptions, RunResult } from './run.js';
export { mutate, PROBE } from './mutate.js';
export type { Mutant, MutateOptions, MutationKind } from './mutate.js';
export { describeFault } from './faults.js';
export type { Fault, FaultKind } from './faults.js';
export type { WeightsBuffer } from './weights.js';
