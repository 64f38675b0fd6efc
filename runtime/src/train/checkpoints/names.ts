/** Tensors of a checkpoint and the parameters whose rows they hold. */
import type { CheckpointTensor } from '../../program/program.js';
import type { EngineTensor } from '../engine.js';
import type { TensorToWrite } from '../../weights/write-safetensors.js';

/** The tensors to write; without a map each parameter is one of its own name. */
export function tensorsOf(
  parameters: readonly EngineTensor[],
  map: readonly CheckpointTensor[] | undefined,
): readonly TensorToWrite[] {
  const known = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  const mapped = map ?? parameters.map(({ name, shape }) => ({ name, shape, parts: [name] }));
  return mapped.map(({ name, shape, parts }) => ({
    name,
    dtype: 'F32',
    shape,
    chunks: async function* () {
      for (const part of parts) {
        const parameter = known.get(part);
        if (parameter === undefined) throw new Error(`${name} is made of ${part}, which the engine does not have.`);
        const values = await parameter.read();
        yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      }
    },
  }));
}
