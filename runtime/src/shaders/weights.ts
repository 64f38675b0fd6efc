import type { StorageType } from '../program/program.js';

/** How four consecutive matrix elements lie in a storage buffer, and the WGSL that makes a vec4f of them. */
interface WeightFormat {
  /** Bytes per element. */
  readonly bytes: number;
  /** WGSL type of four elements. */
  readonly element: string;
  /** WGSL expression of `e`. */
  readonly decode: string;
}

export const WEIGHT_FORMATS: Readonly<Record<StorageType, WeightFormat>> = {
  f32: { bytes: 4, element: 'vec4f', decode: 'e' },
  // A bf16 is the upper half of an f32. Little-endian: the first element is the lower half of the first word.
  bf16: {
    bytes: 2,
    element: 'vec2u',
    decode: 'bitcast<vec4f>(vec4u(e.x << 16u, e.x & 0xffff0000u, e.y << 16u, e.y & 0xffff0000u))',
  },
  // Part of core WGSL: needs no `shader-f16`.
  f16: { bytes: 2, element: 'vec2u', decode: 'vec4f(unpack2x16float(e.x), unpack2x16float(e.y))' },
};

/**
 * Declarations that a kernel's source leaves open for its `weights` binding: `<binding>_element` and
 * `<binding>_decode(e: <binding>_element) -> vec4f`, for the storage type that loading chose.
 */
export function weightsPrelude(binding: string, storage: StorageType): string {
  const { element, decode } = WEIGHT_FORMATS[storage];
  return (
    `alias ${binding}_element = ${element};\n` +
    `fn ${binding}_decode(e: ${binding}_element) -> vec4f {\n  return ${decode};\n}\n`
  );
}
