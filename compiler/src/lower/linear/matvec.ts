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
import type { Expression } from '../../kernel/ir.js';
import type { NodeId } from '../../graph/graph.js';
import type { KernelCall } from '../call.js';
import { withVariants } from '../call.js';
import { kernelName } from '../names.js';
import { reduceRows } from '../reductions.js';
import { sumRows, workgroups } from '../workgroup-sum.js';
import type { Workgroup } from '../workgroup-sum.js';
import { linearLabel, LinearShape } from './shape.js';

const THREADS = 128;
/** Few rows a workgroup, so that there are workgroups enough: docs/gpu.md says what was measured. */
const ROWS = 4;
/** On a CPU what a workgroup does before it has read a weight (statistics, the prologue of each column) counts. */
const FEW_THREADS_ROWS = 4 * ROWS;

export function lowerMatvec(context: FusionContext, group: LinearGroup): readonly KernelCall[] {
  return [withVariants(workgroups(THREADS).map((workgroup) => matvec(context, group, workgroup)))];
}

function matvec(context: FusionContext, group: LinearGroup, workgroup: Workgroup): KernelCall {
  const kernel = new FusedKernel(context, group);
  const shape = new LinearShape(kernel, group);
  const base = kernel.uniform('row_base', 0, 'u32', 'first row of the bound part of the matrix');
  const count = kernel.uniform('row_count', shape.rows, 'u32', 'rows of the bound part');
  const own: Own = { kernel, shape, base, count, reductions: group.reductions };
  const { threads, requires } = workgroup;
  const rows = requires.includes('hardware') ? ROWS : FEW_THREADS_ROWS;
  products(own, workgroup, rows);

  const vectors = shape.vectors;
  return kernel.finish({
    name: kernelName(kernel.graph, context.mode, group.anchors[0]!, 'matvec'),
    doc: linearLabel(kernel.graph, group),
    label: linearLabel(kernel.graph, group),
    requires,
    workgroupSize: [threads, 1, 1],
    folds: rows / ROWS,
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

interface Own {
  readonly kernel: FusedKernel;
  readonly shape: LinearShape;
  readonly base: Expression;
  readonly count: Expression;
  readonly reductions: readonly NodeId[];
}

/** What a workgroup does for its `rows` rows. */
function products({ kernel, shape, base, count, reductions }: Own, workgroup: Workgroup, rows: number): void {
  const { threads, reduction } = workgroup;
  const { builder } = kernel;
  const local = e.builtin('local_index');
  const { time, kept } = shape.split(e.builtin('workgroup_y'));

  reduceRows(kernel, time, { reductions, threads, reduction });
  const { unit } = shape;
  const units = rows / unit;
  const firstUnit = builder.let('first_unit', e.mul(e.builtin('workgroup_x'), units));
  const sums = Array.from({ length: rows }, (_, r) => builder.variable(`sum_${r}`, 'f32', e.f32(0)));
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
  const store = (index: Expression): void => {
    const own = builder.let('own_unit', e.add(firstUnit, index));
    builder.if(e.lt(e.mul(own, unit), count), () => {
      const values = Array.from({ length: unit }, (_, j) => total(e.add(e.mul(index, unit), j)));
      // An interleaved unit is known by its first row.
      const stored = (shape.interleave > 1 ? [0] : values).map((_, lane) =>
        builder.let('row', e.add(base, shape.rowOfUnit(own, lane))),
      );
      shape.store(time, kept, stored, values);
    });
  };
  if (units <= threads) builder.if(e.lt(local, units), () => store(local));
  else builder.for('unit', local, units, store, { step: threads });
}
