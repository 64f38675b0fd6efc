/** Loss on held-out text. */
import type { EvaluationData } from '../data/prepare.js';
import { readWindow } from '../data/windows.js';
import type { TrainingEngine, TrainingPart } from '../engine.js';
import type { EvaluationMetrics } from './metrics.js';

export interface EvaluateOptions {
  /** Windows computed at once; default 1. */
  readonly batch?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((share: number) => void) | undefined;
}

/** Loss, perplexity and bits per byte. Nothing is trained. */
export async function evaluate(
  engine: Pick<TrainingEngine, 'evaluate'>,
  data: EvaluationData,
  { batch = 1, signal, onProgress }: EvaluateOptions = {},
): Promise<EvaluationMetrics> {
  const total = data.windows.reduce((count, windows) => count + windows.count, 0);
  let sum = 0;
  let labels = 0;
  let done = 0;
  const measure = async (part: TrainingPart, windows: number): Promise<void> => {
    signal?.throwIfAborted();
    if (part.length > 0) {
      const result = await engine.evaluate([part]);
      sum += result.loss * result.labels;
      labels += result.labels;
    }
    done += windows;
    onProgress?.(done / total);
  };
  for (const windows of data.windows) {
    for (let at = 0; at < windows.count; at += batch) {
      const indices = Array.from({ length: Math.min(batch, windows.count - at) }, (_, i) => at + i);
      const pieces = await Promise.all(indices.map((index) => readWindow(windows, index)));
      await measure(pieces.flat(), indices.length);
    }
  }
  const loss = labels === 0 ? NaN : sum / labels;
  return { loss, perplexity: Math.exp(loss), bitsPerByte: (loss / Math.LN2) * data.tokensPerByte, labels };
}
