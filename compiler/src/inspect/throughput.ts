/** Serving on paper: long prompts, short answers, as many requests at once as memory holds. */
import { decodeCost, promptCost } from './costs.js';
import type { Formats } from './costs.js';
import type { DevicePeaks } from './devices.js';
import { bound } from './roofline.js';
import type { ModelWork } from './work.js';

export interface Serving {
  readonly device: DevicePeaks & { readonly memory: number };
  /** Devices that share one copy of the weights; all they do is divided evenly, communication is free. */
  readonly devices: number;
  /** Tokens of each prompt and of each answer. */
  readonly input: number;
  readonly output: number;
  readonly formats: Formats;
  /** Share of the memory that weights and states may take. */
  readonly usableMemory: number;
  /** Shares of the peaks that are reached. */
  readonly peakShare: number;
  readonly bandwidthShare: number;
}

export interface Throughput {
  /** Requests that run together. */
  readonly batch: number;
  /** Bytes: weights, and the states of one request at its end. */
  readonly weightBytes: number;
  readonly stateBytes: number;
  /** Operations of one prompt, and the part of them in attention. */
  readonly promptOperations: number;
  readonly promptAttention: number;
  /** For one request. */
  readonly promptSeconds: number;
  /** For all steps of the batch. */
  readonly decodeSeconds: number;
  /** Answer tokens per second and device. */
  readonly tokensPerSecond: number;
}

/**
 * A batch of requests: their prompts one after another, then all answers step by step together.
 *
 * @throws RangeError if the weights and one request do not fit
 */
export function throughput(work: ModelWork, serving: Serving): Throughput {
  const { device, devices, input, output, formats } = serving;
  const weightBytes = formats.weights * work.parameters;
  const stateBytes =
    formats.sequenceState * work.sequenceState +
    formats.tokenState *
      work.attention.reduce((n, a) => n + a.elements * Math.min(a.window ?? Infinity, input + output), 0);
  const batch = Math.floor((devices * device.memory * serving.usableMemory - weightBytes) / stateBytes);
  if (batch < 1) throw new RangeError(`${work.name} with one request does not fit ${devices} × ${device.name}`);
  const bandwidth = devices * device.bandwidth * serving.bandwidthShare;
  const peak = devices * device.peak * serving.peakShare;
  const prompt = bound(promptCost(work, { tokens: input }, formats), input, bandwidth, peak);
  // The first token of the answer comes with the prompt; the costs are linear in the context, so the middle stands for all.
  const steps = output - 1;
  const step = bound(decodeCost(work, { context: input + output / 2, batch }, formats), batch, bandwidth, peak);
  const decodeSeconds = steps * step.seconds.total;
  const seconds = batch * prompt.seconds.total + decodeSeconds;
  return {
    batch,
    weightBytes,
    stateBytes,
    promptOperations: prompt.operations.total,
    promptAttention: prompt.operations.attention,
    promptSeconds: prompt.seconds.total,
    decodeSeconds,
    tokensPerSecond: (batch * output) / seconds / devices,
  };
}
