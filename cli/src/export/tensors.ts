/** Which tensors an export writes, and from which parameters of the checkpoint each is made. */
import type { CheckedModel, TensorLayout } from '@hyb/compiler';
import { modelParameters } from '@hyb/compiler';
import type { Checkpoint } from '@hyb/runtime';
import { commonDtype } from '@hyb/runtime/weights/copy-parameters';
import type { FloatDtype } from '@hyb/runtime/weights/dtypes';
import { matchCheckpoint } from '@hyb/runtime/weights/match';
import type { Layout, ParameterSource } from '@hyb/runtime/weights/match';
import { tensorBytes } from '@hyb/runtime';

export interface ExportedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: FloatDtype;
  readonly bytes: number;
  /** Its rows, one after another. */
  readonly sources: readonly ParameterSource[];
}

/** Names and shapes of what checkpoints of a model hold, as `matchCheckpoint` takes them. */
export function checkpointNames({ graph, weightMap }: Pick<CheckedModel, 'graph' | 'weightMap'>): Layout {
  const parameters = modelParameters(graph).map(
    ({ path, shape }) => ({ path, shape, role: 'matrix', dtype: 'f32' }) as const,
  );
  if (weightMap === undefined) return { parameters };
  return {
    parameters,
    checkpoint: weightMap.entries.map(({ tensor: name, shape, parts }) => ({ name, shape, parts })),
    spare: weightMap.copies.map(({ tensor }) => tensor),
  };
}

/**
 * Finds the values of each tensor.
 *
 * @throws WeightsError for a checkpoint that does not hold the model's tensors
 */
export function findTensors(
  { graph, weightMap }: CheckedModel,
  checkpoint: Checkpoint,
  layout: readonly TensorLayout[],
  {
    dtype,
    unexpected,
    warn,
  }: {
    readonly dtype?: FloatDtype | undefined;
    readonly unexpected: 'error' | 'warn' | 'ignore';
    readonly warn: (message: string) => void;
  },
): readonly ExportedTensor[] {
  const found = matchCheckpoint(checkpointNames({ graph, weightMap }), checkpoint, { unexpected, warn });
  return layout.map(({ name, shape, parts }) => {
    const sources = parts.map((part) => found.get(part)!);
    const type = dtype ?? commonDtype(sources);
    return { name, shape, sources, dtype: type, bytes: tensorBytes({ dtype: type, shape }) };
  });
}
