/**
 * Matrix product for prefill on real GPUs: a workgroup makes a tile of 64 or 128 matrix rows by 64 row vectors, walking the
 * columns in steps of 16 through workgroup memory, so that each element loaded from storage serves 64 products; an invocation
 * keeps 4 or 8 × 4 sums. What a step takes is loaded while the one before is computed. Tiles lie column group first, so that
 * neighbours read neighbours. (Software adapters are faster without workgroup memory: `matmul.ts`.)
 *
 * Counted: four columns take an invocation with 4 rows 64 products and eight loads of four from workgroup memory. Where 128
 * bytes of it and 128 products fit in a cycle, 32 invocations (two rows of the 16 × 16) need 12 cycles for the loads, since
 * what all of a row load is one access, and 16 for the products; with 8 rows it is 20 and 32. docs/gpu.md says
 * what was measured.
 */
import { FusedKernel } from '../../fuse/scope.js';
import type { FusionContext } from '../../fuse/scope.js';
import type { LinearGroup } from '../../fuse/group.js';
import * as e from '../../kernel/expressions.js';
import type { Operand } from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import type { KernelCall } from '../call.js';
import { kernelName } from '../names.js';
import { linearLabel, LinearShape } from './shape.js';
import { storeTile } from './store-tile.js';

const SIDE = 16;
/** Vectors of an invocation, and rows. */
const PER_INVOCATION = 4;
/** Rows from which on a matrix is so high that there are workgroups enough although each takes twice the rows. */
const HIGH = 4096;
export const TILE = SIDE * PER_INVOCATION;
/** Columns of a step, in loads of four. */
const STEP4 = 4;

export function lowerTiledMatmul(context: FusionContext, group: LinearGroup): KernelCall {
  const kernel = new FusedKernel(context, group);
  const shape = new LinearShape(kernel, group);
  const base = kernel.uniform('row_base', 0, 'u32', 'first row of the bound part of the matrix');
  const count = kernel.uniform('row_count', shape.rows, 'u32', 'rows of the bound part');
  const total = kernel.uniform('vector_count', shape.vectors, 'u32', 'row vectors of the input');
  const folds = shape.rows >= (context.high ?? HIGH) ? 2 : 1;
  products({ shape, base, count, total, folds });
  return kernel.finish({
    name: kernelName(kernel.graph, context.mode, group.anchors[0]!, 'matmul'),
    doc: linearLabel(kernel.graph, group),
    label: linearLabel(kernel.graph, group),
    requires: ['hardware'],
    workgroupSize: [SIDE, SIDE, 1],
    folds,
    grid: [Math.ceil(shape.rows / TILE), ['ceil_div', shape.vectors, TILE], 1],
    split: { buffer: shape.weights.name, base: 'row_base', count: 'row_count', axis: 0, rowsPerWorkgroup: TILE },
    cost: shape.cost(shape.vectors),
  });
}

interface Tile {
  readonly shape: LinearShape;
  readonly base: Expression;
  readonly count: Expression;
  readonly total: Expression;
  /** Tiles, one below another, that a workgroup makes as one. */
  readonly folds: number;
}

function products({ shape, base, count, total, folds }: Tile): void {
  const { builder } = shape.kernel;
  const perInvocation = folds * PER_INVOCATION;
  const height = SIDE * perInvocation;
  const [x, y] = [e.builtin('local_x'), e.builtin('local_y')];
  const local = e.builtin('local_index');
  const firstRow = builder.let('first_row', e.mul(e.builtin('workgroup_x'), height));
  const firstVector = builder.let('first_vector', e.mul(e.builtin('workgroup_y'), TILE));
  const rowTile = builder.shared('row_tile', 'vec4f', height * STEP4);
  const vectorTile = builder.shared('vector_tile', 'vec4f', TILE * STEP4);

  builder.comment(
    'each invocation brings loads of four of either tile, a step ahead; columns past the end have no weight',
  );
  const line = builder.let('line', e.div(local, STEP4));
  const group4 = builder.let('group', e.mod(local, STEP4));
  const rowStarts = Array.from({ length: folds }, (_, i) =>
    builder.let(
      `row_start_${i}`,
      e.mul(e.min(e.add(firstRow, e.add(line, i * TILE)), e.sub(count, 1)), shape.columns4),
    ),
  );
  const own = shape.split(builder.let('own_vector', e.min(e.add(firstVector, line), e.sub(total, 1))));
  const rowSlot = builder.let('row_slot', e.add(e.mul(group4, height), line));
  const vectorSlot = builder.let('vector_slot', e.add(e.mul(group4, TILE), line));
  const sums = Array.from({ length: PER_INVOCATION }, (_, v) =>
    Array.from({ length: perInvocation }, (_, r) => builder.variable(`sum_${v}_${r}`, 'f32', e.f32(0))),
  );
  const unit = shape.interleave;
  /** Row of the tile of an invocation's sum `r`: the rows of an interleaved unit stay together. */
  const rowOf = (r: Operand): Expression =>
    e.add(
      e.mul(x, unit),
      typeof r === 'number'
        ? SIDE * unit * Math.floor(r / unit) + (r % unit)
        : e.add(e.mul(e.div(r, unit), SIDE * unit), e.mod(r, unit)),
    );
  const vectorOf = (v: Operand): Expression => e.add(y, typeof v === 'number' ? SIDE * v : e.mul(v, SIDE));
  const zero = e.vector('vec4f', 0);

  const nextRows = rowStarts.map((_, i) => builder.variable(`next_row_${i}`, 'vec4f', zero));
  const nextVector = builder.variable('next_vector', 'vec4f', zero);
  /** Loads what the step from four `k` on takes; past the last column the last one again, without weight. */
  const load = (k: Operand): void => {
    const column = builder.let('column4', e.add(group4, k));
    const inside = builder.let('inside', e.lt(column, shape.columns4));
    const clamped = builder.let('clamped', e.min(column, shape.columns4 - 1));
    rowStarts.forEach((start, i) => nextRows[i]!.set(e.select(inside, shape.weights.at(e.add(start, clamped)), zero)));
    nextVector.set(shape.input4(own.time, own.kept, clamped));
  };
  load(0);
  builder.for(
    'k',
    0,
    shape.columns4,
    (k) => {
      nextRows.forEach((row, i) => rowTile.set(e.add(rowSlot, i * TILE), row.value));
      vectorTile.set(vectorSlot, nextVector.value);
      builder.barrier();
      load(e.add(k, STEP4));
      builder.for('g', 0, STEP4, (g) => {
        const rowsAt = builder.let('rows_at', e.mul(g, height));
        const vectorsAt = builder.let('vectors_at', e.mul(g, TILE));
        const rows = Array.from({ length: perInvocation }, (_, r) =>
          builder.let(`w_${r}`, rowTile.at(e.add(rowsAt, rowOf(r)))),
        );
        for (let v = 0; v < PER_INVOCATION; v++) {
          const vector = builder.let(`x_${v}`, vectorTile.at(e.add(vectorsAt, vectorOf(v))));
          rows.forEach((row, r) => sums[v]![r]!.set(e.add(sums[v]![r]!.value, e.dot(row, vector))));
        }
      });
      builder.barrier();
    },
    { step: STEP4 },
  );

  storeTile(shape, sums, {
    vectorOf: (v) => e.add(firstVector, vectorOf(v)),
    rowOf: (r) => e.add(firstRow, rowOf(r)),
    vectors: total,
    rows: count,
    base,
  });
}
