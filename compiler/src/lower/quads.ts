/**
 * Rows of any length, four elements at a time. Where the length is a multiple of four the buffer holds `vec4f`; otherwise it
 * holds `f32`, the elements past the row's end read as its last one and are not written.
 */
import type { TensorType } from '../graph/types.js';
import type { Buffer, KernelBuilder } from '../kernel/build.js';
import * as e from '../kernel/expressions.js';
import type { Operand } from '../kernel/expressions.js';
import type { Expression } from '../kernel/ir.js';
import type { CallOperand } from './call.js';
import type { Coordinates, KernelScope } from './scope.js';

export const ZERO4: Expression = e.vector('vec4f', 0);

/** Fours that a row of `length` elements takes. */
export const quadsOf = (length: number): number => Math.ceil(length / 4);

export function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/**
 * A four of a row that is walked in slices of `slice` of its `quads` fours: `inside` is where it is read, the last one past the
 * row's end, and `orZero` makes nothing of what was read there.
 */
export function quadOfSlice(
  builder: KernelBuilder,
  quads: number,
  slice: number,
  index: Expression,
): { readonly inside: Expression; orZero(value: Expression): Expression } {
  const quad = builder.let('quad', index);
  if (quads % slice === 0) return { inside: quad, orZero: (value) => value };
  return {
    inside: builder.let('clamped', e.min(quad, quads - 1)),
    orZero: (value) => e.select(e.lt(quad, quads), value, ZERO4),
  };
}

/** A buffer of rows of `length` elements each, without padding. */
export interface QuadRows {
  readonly buffer: Buffer;
  /** Elements 4 * quad … of the row. `quad` must be below `quadsOf(length)`. */
  at(row: Expression, quad: Operand): Expression;
  set(row: Expression, quad: Operand, value: Expression): void;
}

export function bindRows(
  scope: KernelScope,
  hint: string,
  operand: CallOperand,
  length: number,
  access: 'read' | 'read_write',
  doc: string,
): QuadRows {
  if (length % 4 === 0) {
    const buffer = scope.bind(hint, operand, 'vec4f', access, doc);
    const index = (row: Expression, quad: Operand): Expression => e.add(e.mul(row, length / 4), quad);
    return {
      buffer,
      at: (row, quad) => buffer.at(index(row, quad)),
      set: (row, quad, value) => buffer.set(index(row, quad), value),
    };
  }
  const buffer = scope.bind(hint, operand, 'f32', access, doc);
  return {
    buffer,
    at: (row, quad) => repeatingFourOf(length, quad, (c) => buffer.at(e.add(e.mul(row, length), c))),
    set: (row, quad, value) => {
      const four = scope.builder.let('four', value);
      for (let lane = 0; lane < 4; lane++) {
        const column = laneOf(quad, lane);
        const store = (): void => buffer.set(e.add(e.mul(row, length), column), e.component(four, lane));
        if (lane === 0) store();
        else scope.builder.if(e.lt(column, length), store);
      }
    },
  };
}

const laneOf = (quad: Operand, lane: number): Expression =>
  typeof quad === 'number' ? e.u32(quad * 4 + lane) : e.add(e.mul(quad, 4), lane);

/** vec4f of elements 4 * quad … of a row of `length`, the last one again past its end. */
function repeatingFourOf(length: number, quad: Operand, element: (column: Expression) => Expression): Expression {
  const lanes = [0, 1, 2, 3].map((lane) =>
    element(lane === 0 ? laneOf(quad, 0) : e.min(laneOf(quad, lane), length - 1)),
  );
  return e.vector('vec4f', ...lanes);
}

/** The same, zero past its end. */
function zeroFourOf(length: number, quad: Operand, element: (column: Expression) => Expression): Expression {
  const lanes = [0, 1, 2, 3].map((lane) => {
    const column = laneOf(quad, lane);
    if (lane === 0) return element(column);
    return e.select(e.lt(column, length), element(e.min(column, length - 1)), e.f32(0));
  });
  return e.vector('vec4f', ...lanes);
}

/** Elements 4 * quad … of input `i` along its last dimension; past its end zero, or its last one again. */
export function inputQuad(
  scope: KernelScope,
  i: number,
  type: TensorType,
  at: Coordinates,
  quad: Operand,
  past: 'zero' | 'repeat' = 'zero',
): Expression {
  const last = type.dims[type.dims.length - 1]!;
  const length = last.extent as number;
  if (length % 4 === 0) return scope.input4(i, { ...at, [last.name]: laneOf(quad, 0) });
  const fourOf = past === 'zero' ? zeroFourOf : repeatingFourOf;
  return fourOf(length, quad, (column) => scope.input(i, { ...at, [last.name]: column }));
}
