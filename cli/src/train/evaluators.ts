/** What computes losses of a checkpoint. */
import { crossEntropy, evaluateModel, planModel } from '@hyb/compiler';
import type { CheckedModel } from '@hyb/compiler';
import { printWgsl } from '@hyb/compiler/wgsl/index';
import type { LoadProgress, TrainingEngine, TrainingPart } from '@hyb/runtime';
import { readParameters } from '../verify/reference-runner.js';

export interface Evaluator extends Pick<TrainingEngine, 'evaluate'> {
  /** For people. */
  readonly device: string;
  dispose(): void;
}

/** The logits of a device; losses in f64 on the host. */
export async function deviceEvaluator(
  checked: CheckedModel,
  weights: string,
  onProgress: (progress: LoadProgress) => void,
): Promise<Evaluator> {
  const [{ gpu }, { createModel, openDevice }] = await Promise.all([import('@hyb/adapter'), import('@hyb/runtime')]);
  const plan = planModel(checked);
  const kernels = Object.fromEntries([...plan.kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  const device = await openDevice({ gpu: await gpu() });
  try {
    const model = await createModel(plan.program, kernels, { device, weights, onProgress });
    return {
      device: device.name,
      evaluate: (parts) => lossOf(parts, checked.graph.vocab, (tokens) => model.logits(tokens)),
      dispose() {
        model.dispose();
        device.dispose();
      },
    };
  } catch (error) {
    device.dispose();
    throw error;
  }
}

export async function referenceEvaluator(checked: CheckedModel, weights: string): Promise<Evaluator> {
  const parameters = await readParameters(checked, weights);
  return {
    device: 'reference (f64)',
    evaluate: (parts) =>
      lossOf(parts, checked.graph.vocab, (sequences) => {
        const calls = sequences.map((tokens) => ({ tokens }));
        return Promise.resolve(
          evaluateModel(checked.graph, parameters, calls).sequences.map(({ logits }) => logits.data),
        );
      }),
    dispose: () => undefined,
  };
}

async function lossOf(
  parts: readonly TrainingPart[],
  vocab: number,
  logitsOf: (tokens: readonly number[][]) => Promise<readonly ArrayLike<number>[]>,
): ReturnType<TrainingEngine['evaluate']> {
  const sequences = parts.flat();
  const tokens = sequences.map((sequence) => Array.from(sequence.tokens));
  const logits = (await logitsOf(tokens)).map((data) => ({
    shape: [data.length / vocab, vocab],
    data: data instanceof Float64Array ? data : Float64Array.from(data),
  }));
  const labels = sequences.map((sequence, i) =>
    sequence.labels === undefined ? tokens[i]! : Array.from(sequence.labels),
  );
  const { loss, count } = crossEntropy(logits, labels);
  return { loss, labels: count };
}
