/** Row-major layouts of the reference semantics: shapes, strides and the one gather that repeats and permutes. */
import type { Dim, TensorType } from '../graph/types.js';
import type { Reference } from './op.js';

/** Shape with `time` replaced by the number of tokens. */
export function shapeOf(dims: readonly Dim[], tokens: number): readonly number[] {
  return dims.map((d) => (d.extent === 'time' ? tokens : d.extent));
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((n, extent) => n * extent, 1);
}

export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}

/** A tensor of zeros of the type. */
export function zeros(type: TensorType, tokens: number): Reference {
  const shape = shapeOf(type.dims, tokens);
  return { shape, data: new Float64Array(sizeOf(shape)) };
}

export function scalar(value: number): Reference {
  return { shape: [], data: Float64Array.of(value) };
}

/**
 * The tensor laid out along `to`: dimensions are matched by name, may change order, and those that `from` lacks are
 * repeated. Returns the data itself where nothing moves.
 */
export function arrange(value: Reference, from: readonly Dim[], to: readonly Dim[], tokens: number): Float64Array {
  const unmoved = from.length === to.length && from.every((d, i) => d.name === to[i]!.name);
  if (unmoved) return value.data;
  const shape = shapeOf(to, tokens);
  const source = stridesOf(value.shape);
  const strides = to.map((d) => {
    const at = from.findIndex((f) => f.name === d.name);
    return at < 0 ? 0 : source[at]!;
  });
  const result = new Float64Array(sizeOf(shape));
  if (result.length === 0) return result;
  const last = shape.length - 1;
  const inner = last < 0 ? 1 : shape[last]!;
  const step = last < 0 ? 0 : strides[last]!;
  const index = new Array<number>(shape.length).fill(0);
  let offset = 0;
  for (let at = 0; at < result.length; at += inner) {
    for (let i = 0, o = offset; i < inner; i++, o += step) result[at + i] = value.data[o]!;
    for (let axis = last - 1; axis >= 0; axis--) {
      offset += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      offset -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}
