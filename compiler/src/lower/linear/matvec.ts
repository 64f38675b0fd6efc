/**
 * Matrix times vector, for decoding: one workgroup takes a few rows of the matrix and one token. Every invocation strides
 * over the columns, computes the prologue of its columns once and multiplies it with all the workgroup's rows; partial
 * sums meet in workgroup memory, and one invocation a row runs the epilogue.
 *
 * Reads each weight once: bytes are the matrix, plus one row of the input per workgroup, which stays in the cache.
 */
import { FusedKernel } from '../../fuse/scope.js';
import type { FusionContext } from '../../fuse/scope.js';
import type { LinearGroup } from '../../fuse/group.js';
import * as e from '../../kernel/expressions.js';
import type { KernelCall } from '../call.js';
import { withVariants } from '../call.js';
import { kernelName } from '../names.js';
import { reduceRows } from '../reductions.js';
import { sumRows, workgroups } from '../workgroup-sum.js';
import type { Workgroup } from '../workgroup-sum.js';
import { linearLabel, LinearShape } from './shape.js';

const THREADS = 128;
const ROWS = 8;

export function lowerMatvec(context: FusionContext, group: LinearGroup): readonly KernelCall[] {
  return [withVariants(workgroups(THREADS).map((workgroup) => matvec(context, group, workgroup)))];
}

function matvec(context: FusionContext, group: LinearGroup, { threads, reduction, requires }: Workgroup): KernelCall {
  const kernel = new FusedKernel(context, group);
  const shape = new LinearShape(kernel, group);
  const { builder } = kernel;
  const base = kernel.uniform('row_base', 0, 'u32', 'first row of the bound part of the matrix');
  const count = kernel.uniform('row_count', shape.rows, 'u32', 'rows of the bound part');
  const local = e.builtin('local_index');
  const vector = e.builtin('workgroup_y');
  const { time, kept } = shape.split(vector);

  reduceRows(kernel, group.reductions, time, threads, reduction);
  const { unit } = shape;
  const firstUnit = builder.let('first_unit', e.mul(e.builtin('workgroup_x'), ROWS / unit));
  const sums = Array.from({ length: ROWS }, (_, r) => builder.variable(`sum_${r}`, 'f32', e.f32(0)));
  // Rows past the end repeat the last one; their sums are dropped below.
  const rowStart = sums.map((_, r) => {
    const row = shape.rowOfUnit(e.add(firstUnit, Math.floor(r / unit)), r % unit);
    return builder.let(`row_start_${r}`, e.mul(e.min(row, e.sub(count, 1)), shape.columns4));
  });
  kernel.evaluator.hoist(shape.anchors[0]!.inputs[0]!, time);
  builder.for(
    'k',
    local,
    shape.columns4,
    (k) => {
      const x = builder.let('x4', shape.input4(time, kept, k));
      sums.forEach((sum, r) => sum.set(e.add(sum.value, e.dot(shape.weights.at(e.add(rowStart[r]!, k)), x))));
    },
    { step: threads },
  );

  const total = sumRows(
    builder,
    sums.map((s) => s.value),
    threads,
    reduction,
  );
  builder.if(e.lt(local, ROWS / unit), () => {
    const own = builder.let('own_unit', e.add(firstUnit, local));
    builder.if(e.lt(e.mul(own, unit), count), () => {
      const values = Array.from({ length: unit }, (_, j) => total(e.add(e.mul(local, unit), j)));
      // An interleaved unit is known by its first row.
      const rows = (shape.interleave > 1 ? [0] : values).map((_, lane) =>
        builder.let('row', e.add(base, shape.rowOfUnit(own, lane))),
      );
      shape.store(time, kept, rows, values);
    });
  });

  const vectors = shape.vectors;
  return kernel.finish({
    name: kernelName(kernel.graph, context.mode, group.anchors[0]!, 'matvec'),
    doc: linearLabel(kernel.graph, group),
    label: linearLabel(kernel.graph, group),
    requires,
    workgroupSize: [threads, 1, 1],
    grid: [Math.ceil(shape.rows / ROWS), vectors, 1],
    split: {
      buffer: shape.weights.name,
      base: 'row_base',
      count: 'row_count',
      axis: 0,
      rowsPerWorkgroup: ROWS,
      partRows: shape.partRows,
    },
    cost: shape.cost(vectors),
  });
}
