import { openCheckpoint } from '../weights/checkpoint.js';
import { bytesOf, convert } from '../weights/convert.js';
import { matchCheckpoint } from '../weights/match.js';
import type { Layout, MatchOptions } from '../weights/match.js';
import type { LoadProgress, WeightSource } from '../weights/types.js';
import type { TrainingEngine } from './engine.js';

export interface LoadParametersOptions extends Partial<MatchOptions> {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/**
 * Sets an engine's parameters to those of a checkpoint, one after another.
 *
 * @param program names and shapes of its tensors
 * @throws WeightsError where tensors are missing, have other shapes, or have no place in the model, all of them by name
 */
export async function loadParameters(
  engine: Pick<TrainingEngine, 'write'>,
  program: Layout,
  weights: WeightSource,
  { unexpected = 'error', warn = (message) => console.warn(message), signal, onProgress }: LoadParametersOptions = {},
): Promise<void> {
  const checkpoint = await openCheckpoint(weights, signal);
  try {
    const found = matchCheckpoint(program, checkpoint, { unexpected, warn });
    const sizes = [...found.values()].map(({ dtype, elements }) => elements * bytesOf(dtype));
    const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
    let loadedBytes = 0;
    for (const [path, { tensor, dtype, element, elements }] of found) {
      const size = bytesOf(dtype);
      const bytes = await tensor.source.read(tensor.offset + element * size, elements * size, { signal });
      const values = new Float32Array(elements);
      convert(bytes, dtype, new Uint8Array(values.buffer), 'f32', elements);
      await engine.write(path, values);
      loadedBytes += bytes.byteLength;
      onProgress?.({ loadedBytes, totalBytes, tensor: tensor.name });
    }
  } finally {
    await checkpoint.close();
  }
}
