import { WeightsError } from '../errors.js';
import { bytesOf, convert } from './convert.js';
import { isFloat } from './dtypes.js';
import type { TensorEntry } from './safetensors.js';

/**
 * All values of a tensor, as numbers: for small tensors and tools. Floats narrower than f32 become f32 exactly.
 *
 * @throws WeightsError for dtypes whose values are not all exact there
 */
export async function readTensor(tensor: TensorEntry): Promise<Float32Array | Float64Array | Int32Array | Uint32Array> {
  const { dtype, source, offset, bytes, name } = tensor;
  // A copy, aligned.
  const data = new Uint8Array(await source.read(offset, bytes)).slice();
  switch (dtype) {
    case 'F64':
      return new Float64Array(data.buffer);
    case 'I32':
      return new Int32Array(data.buffer);
    case 'U32':
      return new Uint32Array(data.buffer);
    case 'I64': {
      const wide = new BigInt64Array(data.buffer);
      const numbers = Float64Array.from(wide, Number);
      if (numbers.some((value) => !Number.isSafeInteger(value))) {
        throw new WeightsError('bad-checkpoint', `${name} holds integers over 2^53.`);
      }
      return numbers;
    }
    case 'U8':
    case 'BOOL':
      return Uint32Array.from(data);
    default: {
      if (!isFloat(dtype)) throw new WeightsError('bad-checkpoint', `${name} has dtype ${dtype}, which is not read.`);
      const count = bytes / bytesOf(dtype);
      const values = new Float32Array(count);
      convert(data, dtype, new Uint8Array(values.buffer), 'f32', count);
      return values;
    }
  }
}
