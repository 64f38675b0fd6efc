/**
 * The border between a training run (data, schedule, checkpoints, log: host code that knows no GPU) and what computes its
 * steps on a device. The run plans; the engine computes; either can be tested without the other.
 */
import type { Tokens } from '../model/types.js';

/** One document, or a piece of one. Documents packed into one part do not see each other. */
export interface TrainingSequence {
  readonly tokens: Tokens;
  /** As many as `tokens`, not shifted; -100 does not count. Default: the tokens. */
  readonly labels?: ArrayLike<number>;
}

/** What is computed at once; gradients of a step's parts are summed. */
export type TrainingPart = readonly TrainingSequence[];

/** What changes from step to step. */
export interface StepSettings {
  /** From 1; for bias corrections. */
  readonly step: number;
  /** Learning rate, before the parameters' own multiples. */
  readonly rate: number;
  /** Factor on the loss while gradients are computed; 1: none. */
  readonly lossScale: number;
  /** Computes what the recipe's `probes` ask for. */
  readonly probes: boolean;
  /** Neither parameters nor moments are changed by a step with a loss over this; without it there is no limit. */
  readonly lossLimit?: number;
}

export interface StepResult {
  /** Mean cross-entropy over the labels that count, in nats, without z-loss and smoothing. */
  readonly loss: number;
  /** Labels that count. */
  readonly labels: number;
  /** Norm of all gradients together, unscaled, before clipping. */
  readonly gradientNorm: number;
  /** Norm of all parameters before the update. */
  readonly parameterNorm: number;
  /** False: loss or a gradient was not finite, or the loss over its limit, and no parameter and no moment was changed. */
  readonly applied: boolean;
  readonly probes?: readonly ProbeValue[];
}

export interface ProbeValue {
  readonly probe: 'outputs' | 'gradients' | 'logits' | 'entropy';
  readonly layer: number;
  /** What was measured: a parameter's or an op's path inside the layer, such as `A.q`. */
  readonly of: string;
  readonly value: number;
}

/** A tensor that leaves or enters the engine, row-major; values as f32. */
export interface EngineTensor {
  /** A parameter's full path; moments of optimizers are `exp_avg.PATH`, `exp_avg_sq.PATH`, `momentum.PATH`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** In which it is kept, and written without loss; default F32. */
  readonly dtype?: 'F32' | 'BF16';
  /** Reads the values from the device. One tensor at a time keeps host memory bounded. */
  read(): Promise<Float32Array>;
}

export interface TrainingEngine {
  /**
   * Gradients of the parts' mean loss (over all their labels), then one update. Results may be awaited late: the next
   * step can be submitted before the last one's result is there.
   */
  step(parts: readonly TrainingPart[], settings: StepSettings): Promise<StepResult>;
  /** Mean loss without gradients. */
  evaluate(parts: readonly TrainingPart[]): Promise<{ readonly loss: number; readonly labels: number }>;
  /** Master copies of the parameters, by full path. */
  parameters(): readonly EngineTensor[];
  /** State of the optimizer. */
  moments(): readonly EngineTensor[];
  /** Writes a parameter or a moment. @throws UsageError for an unknown name or another number of values */
  write(name: string, values: Float32Array): Promise<void>;
  /** Bytes of live device buffers. */
  readonly memory: { readonly total: number };
  dispose(): void;
}
