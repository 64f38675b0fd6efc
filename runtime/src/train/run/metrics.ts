/** What a run tells of each of its steps: the lines of `metrics.jsonl`. */
import type { ProbeValue } from '../engine.js';
import type { FaultPolicy } from '../recipe.js';
import type { Fault } from './control.js';

export interface StepMetrics {
  /** From 1. */
  readonly step: number;
  /** Mean cross-entropy of the step's labels, in nats. */
  readonly loss: number;
  /** Norm of all gradients together, before clipping. */
  readonly gradientNorm: number;
  /** Norm of all parameters before the update. */
  readonly parameterNorm: number;
  /** Learning rate. */
  readonly rate: number;
  /** Tokens computed since the run began. */
  readonly tokens: number;
  /** Seconds of training since the run began, over all its pieces. */
  readonly seconds: number;
  readonly tokensPerSecond: number;
  /** Share of the device's arithmetic peak, where it is known. */
  readonly share?: number;
  /** Bytes of live device buffers. */
  readonly memory: number;
  /** Where the loss is scaled. */
  readonly lossScale?: number;
  /** False: parameters are as they were. */
  readonly applied: boolean;
  readonly fault?: FaultMetrics;
  /** What happened that is no fault: the loss scale was too large and the step left out, or the scale has grown. */
  readonly notice?: string;
  readonly probes?: readonly ProbeValue[];
  readonly evaluation?: EvaluationMetrics;
  /** The checkpoint that was written after the step: a folder's name. */
  readonly checkpoint?: string;
}

export interface FaultMetrics {
  readonly kind: Fault;
  readonly policy: FaultPolicy;
  /** What happened and what was done about it. */
  readonly message: string;
}

export interface EvaluationMetrics {
  /** Mean cross-entropy, in nats for a token. */
  readonly loss: number;
  /** e to the loss. */
  readonly perplexity: number;
  /** Bits for a byte of the text: comparable between tokenizers. */
  readonly bitsPerByte: number;
  /** Labels that were predicted. */
  readonly labels: number;
}

/** JSON has no NaN and no infinity: they become null. */
export function metricsLine(metrics: StepMetrics): string {
  return JSON.stringify(metrics);
}
