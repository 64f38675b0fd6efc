/**
 * Matrix product for prefill: each invocation makes a tile of `VECTORS` row vectors by `ROWS` matrix rows in registers,
 * straight from storage in loads of four: 2 * VECTORS * ROWS * 4 operations for VECTORS + ROWS loads. The input is a buffer
 * (fusion sees to that); the epilogue is fused.
 */
import { FusedKernel } from '../../fuse/scope.js';
import type { FusionContext } from '../../fuse/scope.js';
import type { LinearGroup } from '../../fuse/group.js';
import * as e from '../../kernel/expressions.js';
import type { KernelCall } from '../call.js';
import { withVariants } from '../call.js';
import { kernelName } from '../names.js';
import { lowerSubgroupMatmul } from './matmul-subgroup.js';
import { lowerTiledMatmul, TILE } from './matmul-tiled.js';
import { linearLabel, LinearShape } from './shape.js';
import { storeTile } from './store-tile.js';

const VECTORS = 8;
const ROWS = 8;
const SIDE = TILE / ROWS;

/** All variants take the same tile of the result per workgroup, so that they share a grid. */
export function lowerMatmul(context: FusionContext, group: LinearGroup): readonly KernelCall[] {
  return [
    withVariants([
      lowerTiledMatmul(context, group),
      lowerSubgroupMatmul(context, group),
      registerMatmul(context, group),
    ]),
  ];
}

function registerMatmul(context: FusionContext, group: LinearGroup): KernelCall {
  const kernel = new FusedKernel(context, group);
  const shape = new LinearShape(kernel, group);
  const { builder } = kernel;
  const base = kernel.uniform('row_base', 0, 'u32', 'first row of the bound part of the matrix');
  const count = kernel.uniform('row_count', shape.rows, 'u32', 'rows of the bound part');
  const total = kernel.uniform('vector_count', shape.vectors, 'u32', 'row vectors of the input');
  const firstRow = builder.let(
    'first_row',
    e.mul(e.add(e.mul(e.builtin('workgroup_x'), SIDE), e.builtin('local_x')), ROWS),
  );
  const firstVector = builder.let(
    'first_vector',
    e.mul(e.add(e.mul(e.builtin('workgroup_y'), SIDE), e.builtin('local_y')), VECTORS),
  );

  // Tiles stand over the ends of short prompts and small matrices: what lies past them need not be computed.
  builder.if(e.and(e.lt(firstVector, total), e.lt(firstRow, count)), () => {
    const rowStart = Array.from({ length: ROWS }, (_, r) =>
      builder.let(`row_start_${r}`, e.mul(e.min(e.add(firstRow, r), e.sub(count, 1)), shape.columns4)),
    );
    const vectors = Array.from({ length: VECTORS }, (_, v) =>
      shape.split(builder.let(`vector_${v}`, e.min(e.add(firstVector, v), e.sub(total, 1)))),
    );
    const sums = Array.from({ length: VECTORS }, (_, v) =>
      Array.from({ length: ROWS }, (_, r) => builder.variable(`sum_${v}_${r}`, 'f32', e.f32(0))),
    );
    builder.for('k', 0, shape.columns4, (k) => {
      const w = rowStart.map((start, r) => builder.let(`w_${r}`, shape.weights.at(e.add(start, k))));
      vectors.forEach(({ time, kept }, v) => {
        const x = builder.let(`x_${v}`, shape.input4(time, kept, k));
        sums[v]!.forEach((sum, r) => sum.set(e.add(sum.value, e.dot(w[r]!, x))));
      });
    });
    storeTile(shape, sums, {
      vectorOf: (v) => e.add(firstVector, v),
      rowOf: (r) => e.add(firstRow, r),
      vectors: total,
      rows: count,
      base,
    });
  });

  return kernel.finish({
    name: kernelName(kernel.graph, context.mode, group.anchors[0]!, 'matmul'),
    doc: linearLabel(kernel.graph, group),
    label: linearLabel(kernel.graph, group),
    workgroupSize: [SIDE, SIDE, 1],
    grid: [Math.ceil(shape.rows / (SIDE * ROWS)), ['ceil_div', shape.vectors, SIDE * VECTORS], 1],
    split: {
      buffer: shape.weights.name,
      base: 'row_base',
      count: 'row_count',
      axis: 0,
      rowsPerWorkgroup: SIDE * ROWS,
    },
    cost: shape.cost(shape.vectors),
  });
}
