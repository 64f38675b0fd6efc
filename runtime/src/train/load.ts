import type { Program } from '../program/program.js';
import { openCheckpoint } from '../weights/checkpoint.js';
import { bytesOf, convert } from '../weights/convert.js';
import { matchCheckpoint } from '../weights/match.js';
import type { WeightSource } from '../weights/types.js';
import type { TrainingEngine } from './engine.js';

/**
 * Sets an engine's parameters to those of a checkpoint, one after another.
 *
 * @throws WeightsError where tensors are missing or have other shapes
 */
export async function loadParameters(
  engine: Pick<TrainingEngine, 'write'>,
  program: Program,
  weights: WeightSource,
  signal?: AbortSignal,
): Promise<void> {
  const checkpoint = await openCheckpoint(weights, signal);
  try {
    const found = matchCheckpoint(program, checkpoint, { unexpected: 'ignore', warn: () => undefined });
    for (const [path, { tensor, dtype, element, elements }] of found) {
      const size = bytesOf(dtype);
      const bytes = await tensor.source.read(tensor.offset + element * size, elements * size, { signal });
      const values = new Float32Array(elements);
      convert(bytes, dtype, new Uint8Array(values.buffer), 'f32', elements);
      await engine.write(path, values);
    }
  } finally {
    await checkpoint.close();
  }
}
