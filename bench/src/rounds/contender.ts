import type { LinearCase } from './cases.js';

/** Something that is timed. */
export interface Task {
  /** Runs so many times and waits for the end. */
  run(repetitions: number): Promise<void>;
  /** Operations, or bytes, of one run. */
  readonly amount: number;
  dispose?(): void;
}

/** A library (or the adapter's limit) on the adapter at hand, in a process of its own. */
export interface Contender {
  readonly version: string;
  /** Makes the inputs, compiles, and checks the result against f64. Undefined: it has no such thing. */
  prepare(c: LinearCase): Promise<Task | undefined>;
}

/** `limit-…`: what the adapter reaches with hand-written kernels. */
export type ContenderName = 'hyb' | 'jax-js' | 'onnxruntime-web' | 'limit-matmul' | 'limit-arithmetic' | 'limit-stream';

export interface PrepareMessage {
  readonly type: 'prepare';
  readonly case: LinearCase;
}
export interface MeasureMessage {
  readonly type: 'measure';
  readonly repetitions: number;
}
export type Request = PrepareMessage | MeasureMessage | { readonly type: 'version' } | { readonly type: 'exit' };
export type Response =
  | { readonly type: 'version'; readonly version: string }
  | { readonly type: 'prepared'; readonly amount: number | undefined }
  /** For all repetitions. `cpu`: of all threads together, which is what a software adapter's work costs. */
  | { readonly type: 'measured'; readonly milliseconds: number; readonly cpu: number }
  | { readonly type: 'failed'; readonly message: string };
