/** Weight storage as the checking interpreter reads it. */
import { f16OfBits, f32OfBits } from './arithmetic.js';

/** A matrix in a storage type; elements in row-major order, a multiple of 4 of them. */
export type WeightsBuffer =
  | { readonly storage: 'f32'; readonly data: Float32Array }
  | { readonly storage: 'f16' | 'bf16'; readonly data: Uint16Array };

export function decodeWeights(weights: WeightsBuffer): Float32Array {
  switch (weights.storage) {
    case 'f32':
      return weights.data;
    case 'f16':
      return Float32Array.from(weights.data, f16OfBits);
    case 'bf16':
      return Float32Array.from(weights.data, (bits) => f32OfBits(bits << 16));
  }
}
