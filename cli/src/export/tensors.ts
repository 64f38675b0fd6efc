/** Which tensors an export writes, and from which parameters of the checkpoint each is made. */
import type { CheckedModel, HuggingFaceTensor } from '@hyb/compiler';
import { modelParameters } from '@hyb/compiler';
import type { Checkpoint } from '@hyb/runtime';
import { commonDtype } from '@hyb/runtime/weights/copy-parameters';
import type { FloatDtype } from '@hyb/runtime/weights/dtypes';
import { matchCheckpoint } from '@hyb/runtime/weights/match';
import type { Layout, ParameterSource } from '@hyb/runtime/weights/match';
import { tensorBytes } from '@hyb/runtime';
import { CliError } from '../terminal/errors.js';

export interface ExportedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: FloatDtype;
  readonly bytes: number;
  /** Its rows, one after another. */
  readonly sources: readonly ParameterSource[];
}

/** A tensor by name, shape and the parameters that it is made of. */
export interface TensorLayout {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parts: readonly string[];
}

/** As the model's own weight map says; without one, its parameters by their paths. */
export function ownLayout({ graph, weightMap }: CheckedModel): readonly TensorLayout[] {
  if (weightMap !== undefined)
    return weightMap.entries.map(({ tensor: name, shape, parts }) => ({ name, shape, parts }));
  return modelParameters(graph).map(({ path, shape }) => ({ name: path, shape, parts: [path] }));
}

/** As transformers says, with the shapes that the parameters have there. */
export function transformersLayout(
  { graph }: CheckedModel,
  tensors: readonly HuggingFaceTensor[],
): readonly TensorLayout[] {
  const shapes = new Map(modelParameters(graph).map(({ path, shape }) => [path, shape]));
  return tensors.map(({ name, parts, unsqueezed }) => {
    const [first = [], ...others] = parts.map((part) => {
      const shape = shapes.get(part);
      if (shape === undefined) throw new CliError(`transformers wants ${name}, and the model has no ${part}.`);
      return shape;
    });
    const [rows = 1, ...rest] = first;
    const all = others.reduce((sum, [more = 1]) => sum + more, rows);
    return { name, parts, shape: unsqueezed ? [all, 1, ...rest] : [all, ...rest] };
  });
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
