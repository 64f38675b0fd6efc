/**
 * Sums over all invocations of a workgroup: a few sums at once, one a row of a matrix. Core devices go through workgroup
 * memory; with subgroups, one invocation a subgroup does.
 */
import type { KernelBuilder, SharedArray } from '../kernel/build.js';
import * as e from '../kernel/expressions.js';
import type { Expression, Feature } from '../kernel/ir.js';

/** How invocations of a workgroup combine their values: what a kernel's variants differ in. */
export type Reduction = 'workgroup' | 'subgroup';

/** The workgroup of one variant. */
export interface Workgroup {
  /** A power of two. */
  readonly threads: number;
  readonly reduction: Reduction;
  readonly requires: readonly Feature[];
}

/** On a CPU each invocation is a lane of a little program that a barrier suspends and resumes: few of them do more each. */
const FEW_THREADS = 4;

/** Workgroups for a kernel that reduces, best first: for GPUs `threads` invocations, for everything else few. */
export function workgroups(threads: number): readonly Workgroup[] {
  return [
    { threads, reduction: 'subgroup', requires: ['hardware', 'subgroups'] },
    { threads, reduction: 'workgroup', requires: ['hardware'] },
    { threads: FEW_THREADS, reduction: 'workgroup', requires: [] },
  ];
}

/** Subgroups have at least this many invocations. */
const SMALLEST_SUBGROUP = 4;

/**
 * Adds up each of `sums` over the workgroup (of `threads` invocations, a power of two) and returns how to read the total of
 * sum `r`, for any row and invocation, after the barriers that this emits. Uniform control flow only.
 */
export function sumRows(
  builder: KernelBuilder,
  sums: readonly Expression[],
  threads: number,
  reduction: Reduction,
): (row: Expression) => Expression {
  return reduction === 'subgroup' ? bySubgroups(builder, sums, threads) : byWorkgroup(builder, sums, threads);
}

/**
 * Two steps: every invocation adds `rows` partial sums of one row, then the row's own invocation adds the rest. Where there
 * are fewer invocations than rows the first step is left out.
 */
function byWorkgroup(
  builder: KernelBuilder,
  sums: readonly Expression[],
  threads: number,
): (row: Expression) => Expression {
  const rows = sums.length;
  const local = e.builtin('local_index');
  const partial = builder.shared('row_sums', 'f32', rows * threads);
  sums.forEach((sum, r) => partial.set(e.add(local, r * threads), sum));
  builder.barrier();
  if (threads < rows) return (row) => addUp(builder, partial, row, threads);
  const mine = builder.variable('mine', 'f32', e.f32(0));
  const start = builder.let('start', e.mul(local, rows));
  for (let i = 0; i < rows; i++) mine.set(e.add(mine.value, partial.at(e.add(start, i))));
  builder.barrier();
  partial.set(local, mine.value);
  builder.barrier();
  return (row) => addUp(builder, partial, row, threads / rows);
}

/** Sum of the `count` elements that belong to a row, one row's after another's. */
function addUp(builder: KernelBuilder, partial: SharedArray, row: Expression, count: number): Expression {
  const total = builder.variable('total', 'f32', e.f32(0));
  const first = builder.let('first_part', e.mul(row, count));
  for (let i = 0; i < count; i++) total.set(e.add(total.value, partial.at(e.add(first, i))));
  return total.value;
}

function bySubgroups(
  builder: KernelBuilder,
  sums: readonly Expression[],
  threads: number,
): (row: Expression) => Expression {
  const most = threads / SMALLEST_SUBGROUP;
  const local = e.builtin('local_index');
  const partial = builder.shared('row_sums', 'f32', sums.length * most);
  const size = e.builtin('subgroup_size');
  const own = builder.let('subgroup', e.div(local, size));
  const totals = sums.map((sum, r) => builder.let(`subgroup_sum_${r}`, e.subgroup('add', sum)));
  builder.if(e.eq(e.builtin('subgroup_lane'), 0), () => {
    totals.forEach((total, r) => partial.set(e.add(own, r * most), total));
  });
  builder.barrier();
  const count = builder.let('subgroups', e.div(e.add(e.sub(size, 1), threads), size));
  return (row) => {
    const total = builder.variable('total', 'f32', e.f32(0));
    const first = builder.let('first_sum', e.mul(row, most));
    builder.for('s', 0, count, (s) => total.set(e.add(total.value, partial.at(e.add(first, s)))));
    return total.value;
  };
}
