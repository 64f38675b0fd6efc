/**
 * Matrix product for prefill on software adapters with subgroups. There a load from storage costs as much as ten products,
 * the same whether all lanes of a subgroup load one element or each its own; so the lanes of a subgroup, which all work on
 * the same row vectors, load one vector each of every four and hand them round. Everything else is in registers.
 */
import { FusedKernel } from '../../fuse/scope.js';
import type { FusionContext } from '../../fuse/scope.js';
import type { LinearGroup } from '../../fuse/group.js';
import * as e from '../../kernel/expressions.js';
import type { KernelCall } from '../call.js';
import { kernelName } from '../names.js';
import { TILE } from './matmul-tiled.js';
import { linearLabel, LinearShape } from './shape.js';
import { storeTile } from './store-tile.js';

/** Row vectors of a pass; a workgroup makes as many passes as its tile takes. */
const VECTORS = 16;
/** Matrix rows of an invocation. */
const ROWS = 8;
/** Every subgroup has at least so many lanes. */
const LANES = 4;

export function lowerSubgroupMatmul(context: FusionContext, group: LinearGroup): KernelCall {
  const kernel = new FusedKernel(context, group);
  const shape = new LinearShape(kernel, group);
  const { builder } = kernel;
  const base = kernel.uniform('row_base', 0, 'u32', 'first row of the bound part of the matrix');
  const count = kernel.uniform('row_count', shape.rows, 'u32', 'rows of the bound part');
  const total = kernel.uniform('vector_count', shape.vectors, 'u32', 'row vectors of the input');
  const firstRow = builder.let(
    'first_row',
    e.add(e.mul(e.builtin('workgroup_x'), TILE), e.mul(e.builtin('local_index'), ROWS)),
  );
  const rowStart = Array.from({ length: ROWS }, (_, r) =>
    builder.let(`row_start_${r}`, e.mul(e.min(e.add(firstRow, r), e.sub(count, 1)), shape.columns4)),
  );
  const lane = builder.let('lane', e.min(e.builtin('subgroup_lane'), LANES - 1));

  builder.for('pass', 0, TILE / VECTORS, (pass) => {
    const firstVector = builder.let('first_vector', e.add(e.mul(e.builtin('workgroup_y'), TILE), e.mul(pass, VECTORS)));
    builder.if(e.lt(firstVector, total), () => {
      const own = Array.from({ length: VECTORS / LANES }, (_, i) =>
        shape.split(builder.let(`vector_${i}`, e.min(e.sum(firstVector, lane, LANES * i), e.sub(total, 1)))),
      );
      const sums = Array.from({ length: VECTORS }, (_, v) =>
        Array.from({ length: ROWS }, (_, r) => builder.variable(`sum_${v}_${r}`, 'f32', e.f32(0))),
      );
      builder.for('k', 0, shape.columns4, (k) => {
        const loaded = own.map(({ time, kept }, i) => builder.let(`own_${i}`, shape.input4(time, kept, k)));
        const w = rowStart.map((start, r) => builder.let(`w_${r}`, shape.weights.at(e.add(start, k))));
        sums.forEach((row, v) => {
          const x = builder.let(`x_${v}`, e.subgroup('broadcast', loaded[Math.floor(v / LANES)]!, v % LANES));
          row.forEach((sum, r) => sum.set(e.add(sum.value, e.dot(w[r]!, x))));
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
  });

  return kernel.finish({
    name: kernelName(kernel.graph, context.mode, group.anchors[0]!, 'matmul'),
    doc: linearLabel(kernel.graph, group),
    label: linearLabel(kernel.graph, group),
    requires: ['subgroups'],
    workgroupSize: [TILE / ROWS, 1, 1],
    grid: [Math.ceil(shape.rows / TILE), ['ceil_div', shape.vectors, TILE], 1],
    split: { buffer: shape.weights.name, base: 'row_base', count: 'row_count', axis: 0, rowsPerWorkgroup: TILE },
    cost: shape.cost(shape.vectors),
  });
}
