/**
 * Tensor types with named dimensions. Sizes are compile-time constants except the one symbolic extent `time`: the flat
 * token axis of a ragged batch (all sequences one after another, nothing padded).
 */

/** Number formats a value may be rounded to or stored in. Arithmetic is in f32 unless a kernel is a reference one. */
export type Dtype = 'f32' | 'f16' | 'bf16' | 'e4m3' | 'e5m2' | 'u32' | 'bool';

export type Extent = number | 'time';

export interface Dim {
  readonly name: string;
  readonly extent: Extent;
}

/**
 * The type of a graph value. Dimension names are unique within a tensor (parameters of `linear` excepted: their
 * dimensions are positional, outputs first). `time`, where present, comes first. Elements are row-major in this order.
 */
export interface TensorType {
  readonly dims: readonly Dim[];
  readonly dtype: Dtype;
}

export const TIME: Dim = { name: 'time', extent: 'time' };

export function dim(name: string, extent: Extent): Dim {
  return { name, extent };
}

export function tensor(dims: readonly Dim[], dtype: Dtype = 'f32'): TensorType {
  return { dims, dtype };
}

/** Number of elements per token (or of the whole tensor, where it has no `time`). */
export function elementsPerToken(type: TensorType): number {
  return type.dims.reduce((n, d) => (d.extent === 'time' ? n : n * d.extent), 1);
}

export function hasTime(type: TensorType): boolean {
  return type.dims.some((d) => d.extent === 'time');
}

/** `f32[time, heads: 8, head_dim: 16]` */
export function printType(type: TensorType): string {
  const dims = type.dims.map((d) => (d.extent === 'time' ? d.name : `${d.name}: ${d.extent}`));
  return `${type.dtype}[${dims.join(', ')}]`;
}
