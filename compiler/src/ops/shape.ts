/** What shape rules share: checks that throw `ShapeError` with expected and found, and the broadcasting rule. */
import { hasTime, printType, tensor } from '../graph/types.js';
import type { Dim, Dtype, Extent, TensorType } from '../graph/types.js';
import { ShapeError } from './op.js';

const FLOATS: ReadonlySet<Dtype> = new Set<Dtype>(['f32', 'f16', 'bf16', 'e4m3', 'e5m2']);

/** Whether values of the format take part in arithmetic. */
export function isFloat(dtype: Dtype): boolean {
  return FLOATS.has(dtype);
}

/** @throws ShapeError unless there are `least` to `most` inputs. */
export function requireInputs(op: string, inputs: readonly TensorType[], least: number, most = least): void {
  if (inputs.length >= least && inputs.length <= most) return;
  const expected = least === most ? `${least}` : most === Infinity ? `at least ${least}` : `${least} to ${most}`;
  throw new ShapeError(`${op} takes ${expected} ${most === 1 ? 'tensor' : 'tensors'}`, {
    expected,
    found: `${inputs.length}`,
  });
}

/** @throws ShapeError unless the input holds floating-point values. */
export function requireFloat(op: string, inputs: readonly TensorType[], input: number): void {
  const type = inputs[input]!;
  if (isFloat(type.dtype)) return;
  throw new ShapeError(`${op} computes with numbers`, { expected: 'a tensor of f32', found: printType(type), input });
}

/** @throws ShapeError unless the input holds truth values. */
export function requireBool(op: string, inputs: readonly TensorType[], input: number): void {
  const type = inputs[input]!;
  if (type.dtype === 'bool') return;
  throw new ShapeError(`${op} needs a condition`, { expected: 'a tensor of bool', found: printType(type), input });
}

/**
 * Checks a positional shape: one extent per dimension, `undefined` where any will do.
 * @throws ShapeError
 */
export function requireExtents(
  op: string,
  role: string,
  inputs: readonly TensorType[],
  input: number,
  extents: readonly (Extent | undefined)[],
  names: readonly string[],
): void {
  const type = inputs[input]!;
  const fits =
    type.dims.length === extents.length &&
    type.dims.every((d, i) => {
      const wanted = extents[i];
      return wanted === undefined ? d.extent !== 'time' : d.extent === wanted;
    });
  if (fits) return;
  const expected = extents.map((e, i) => (e === 'time' || e === undefined ? names[i]! : `${names[i]!}: ${e}`));
  throw new ShapeError(`${op}: ${role} has the wrong shape`, {
    expected: `[${expected.join(', ')}]`,
    found: printType(type),
    input,
  });
}

/** @throws ShapeError if two dimensions have one name, or `time` stands anywhere but first. */
export function requireWellFormed(op: string, dims: readonly Dim[]): void {
  const names = new Set<string>();
  dims.forEach((d, i) => {
    if (names.has(d.name)) {
      throw new ShapeError(`${op}: two dimensions are called \`${d.name}\``, {
        found: printDims(dims),
      });
    }
    names.add(d.name);
    if (d.extent === 'time' && i > 0) {
      throw new ShapeError(`${op}: \`time\` must be the first dimension`, { found: printDims(dims) });
    }
    if (d.extent !== 'time' && !(Number.isSafeInteger(d.extent) && d.extent > 0)) {
      throw new ShapeError(`${op}: \`${d.name}\` must be a positive whole number`, { found: `${d.extent}` });
    }
  });
}

export function printDims(dims: readonly Dim[]): string {
  return `[${dims.map((d) => (d.extent === 'time' ? d.name : `${d.name}: ${d.extent}`)).join(', ')}]`;
}

/** The dimension of that name. @throws ShapeError naming the ones there are. */
export function requireDim(op: string, inputs: readonly TensorType[], input: number, name: string): Dim {
  const type = inputs[input]!;
  const found = type.dims.find((d) => d.name === name);
  if (found === undefined) {
    throw new ShapeError(`${op}: there is no dimension \`${name}\``, { expected: name, found: printType(type), input });
  }
  return found;
}

export function sameDims(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((d, i) => d.name === b[i]!.name && d.extent === b[i]!.extent);
}

/**
 * Dimensions of an element-wise result. Operands are matched by dimension name, a missing dimension is repeated. Order:
 * that of the operand with the most dimensions (the earlier of equals), then what the others add; `time` first.
 * @throws ShapeError where one name has two extents.
 */
export function broadcastDims(op: string, inputs: readonly TensorType[]): readonly Dim[] {
  const order = inputs.map((type, index) => ({ type, index }));
  order.sort((a, b) => b.type.dims.length - a.type.dims.length || a.index - b.index);
  const leading = order[0]!.type;
  if (inputs.every((type) => type.dims.length === 0 || sameDims(type.dims, leading.dims))) return leading.dims;
  const merged: Dim[] = [];
  for (const { type, index } of order) {
    // Weights such as `width -> width` repeat a name: there is no telling which dimension is meant.
    requireWellFormed(op, type.dims);
    for (const d of type.dims) {
      const known = merged.find((m) => m.name === d.name);
      if (known === undefined) merged.push(d);
      else if (known.extent !== d.extent) {
        throw new ShapeError(`${op}: \`${d.name}\` has two sizes`, {
          expected: `${d.name}: ${known.extent}`,
          found: `${d.name}: ${d.extent}`,
          input: index,
        });
      }
    }
  }
  const time = merged.filter((d) => d.extent === 'time');
  const dims = [...time, ...merged.filter((d) => d.extent !== 'time')];
  requireWellFormed(op, dims);
  return dims;
}

/** @throws ShapeError if the tensor varies over time: weights and initial values do not. */
export function requireTimeless(op: string, role: string, inputs: readonly TensorType[], input: number): void {
  const type = inputs[input]!;
  if (!hasTime(type)) return;
  throw new ShapeError(`${op}: ${role} must not vary over time`, { found: printType(type), input });
}

/** The type of one token: without `time`. */
export function withoutTime(type: TensorType): TensorType {
  return tensor(
    type.dims.filter((d) => d.extent !== 'time'),
    type.dtype,
  );
}
