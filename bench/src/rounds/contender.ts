import type { LinearCase } from '../kernels/cases.js';
import type { ModelCase } from '../model/cases.js';
import type { TrainingCase } from '../training/cases.js';

/** What is measured. */
export type BenchCase = LinearCase | ModelCase | TrainingCase;

/** What a task has measured itself, where preparations between its runs are to be left out. */
export interface Measured {
  readonly repetitions: number;
  /** For all repetitions. */
  readonly milliseconds: number;
  /** CPU time of all threads together, milliseconds: what the work of a software adapter costs. */
  readonly cpu: number;
}

/** Something that is timed. */
export interface Task {
  /** Runs so many times and waits for the end. */
  run(repetitions: number): Promise<Measured | void>;
  /** Operations, bytes, tokens, steps or dispatches of one run. */
  readonly amount: number;
  /** Numbers to report beside the times, by name; read after a first run. */
  readonly facts?: Readonly<Record<string, number>>;
  dispose?(): void;
}

/** A library (or the adapter's limit) on the adapter at hand, in a process of its own. */
export interface Contender {
  readonly version: string;
  /** Makes the inputs, compiles, and checks the result where there is a reference. Undefined: it has no such thing. */
  prepare(c: BenchCase): Promise<Task | undefined>;
}

/** `limit-…`: what the adapter reaches with hand-written kernels. */
export type LimitName = 'limit-matmul' | 'limit-arithmetic' | 'limit-stream' | 'limit-dispatch';
export type ContenderName =
  'hyb' | 'hyb-model' | 'hyb-training' | 'jax-js' | 'jax-js-training' | 'onnxruntime-web' | 'tensorflow-js' | LimitName;

export interface PrepareMessage {
  readonly type: 'prepare';
  readonly case: BenchCase;
}
export interface MeasureMessage {
  readonly type: 'measure';
  readonly repetitions: number;
}
export type Request = PrepareMessage | MeasureMessage | { readonly type: 'version' } | { readonly type: 'exit' };
export type Response =
  | { readonly type: 'version'; readonly version: string }
  | {
      readonly type: 'prepared';
      readonly amount: number | undefined;
      readonly facts: Readonly<Record<string, number>>;
    }
  | ({ readonly type: 'measured' } & Measured)
  | { readonly type: 'failed'; readonly message: string };
