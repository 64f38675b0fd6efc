/** Tensors of a checkpoint and the parameters whose rows they hold. */
import type { CheckpointTensor } from '../../program/program.js';
import type { EngineTensor } from '../engine.js';
import { convert } from '../../weights/convert.js';
import type { TensorToWrite } from '../../weights/write-safetensors.js';

function narrowed(floats: Uint8Array): Uint8Array {
  const halves = new Uint8Array(floats.byteLength / 2);
  convert(floats, 'F32', halves, 'bf16', floats.byteLength / 4);
  return halves;
}

/** The tensors to write; without a map each parameter is one of its own name. */
export function tensorsOf(
  parameters: readonly EngineTensor[],
  map: readonly CheckpointTensor[] | undefined,
): readonly TensorToWrite[] {
  const known = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  const mapped = map ?? parameters.map(({ name, shape }) => ({ name, shape, parts: [name] }));
  return mapped.map(({ name, shape, parts }) => ({
    name,
    dtype: parts.every((part) => known.get(part)?.dtype === 'BF16') ? 'BF16' : 'F32',
    shape,
    chunks: async function* () {
      for (const part of parts) {
        const parameter = known.get(part);
        if (parameter === undefined) throw new Error(`${name} is made of ${part}, which the engine does not have.`);
        const values = await parameter.read();
        const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
        yield this.dtype === 'F32' ? bytes : narrowed(bytes);
      }
    },
  }));
}
