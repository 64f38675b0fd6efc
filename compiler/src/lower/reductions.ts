/**
 * Row reductions by a whole workgroup: each result goes to workgroup memory, where every invocation finds it. Several rows
 * (groups of a norm, heads) are reduced side by side by runs of lanes.
 */
import type { FusedKernel } from '../fuse/scope.js';
import { Position, rowDims } from '../fuse/position.js';
import type { GraphNode, NodeId } from '../graph/graph.js';
import { hasTime } from '../graph/types.js';
import * as e from '../kernel/expressions.js';
import type { SharedArray } from '../kernel/build.js';
import type { Expression } from '../kernel/ir.js';
import type { ReductionName } from '../ops/attributes.js';
import type { Reduction } from './workgroup-sum.js';

/** Smallest and largest finite values stand for the infinities, which WGSL does not have. */
const LOWEST = -3.4e38;
const COMBINE: Readonly<
  Record<ReductionName, { initial: number; join: (a: Expression, b: Expression) => Expression }>
> = {
  sum: { initial: 0, join: e.add },
  mean: { initial: 0, join: e.add },
  amax: { initial: LOWEST, join: e.max },
  amin: { initial: -LOWEST, join: e.min },
};

/** Partial results that one invocation joins alone. */
const FEW_LANES = 4;

const floorPowerOfTwo = (n: number): number => 2 ** Math.floor(Math.log2(n));

export interface RowReductions {
  /** In topological order. */
  readonly reductions: readonly NodeId[];
  readonly threads: number;
  /** By the workgroup, unless said. */
  readonly reduction?: Reduction;
  /** What is read here is written after it, by other invocations than have read it. */
  readonly inPlace?: boolean;
}

/** Computes reductions of the row at `time`; ends with a barrier. Uniform control flow only. */
export function reduceRows(kernel: FusedKernel, time: Expression, options: RowReductions): void {
  const { reductions, threads, reduction = 'workgroup', inPlace = false } = options;
  if (reductions.length === 0) return;
  const partial = kernel.builder.shared('partial', 'f32', threads);
  for (const id of reductions) {
    reduceRow(kernel, id, time, threads, partial, reduction, { storage: inPlace && id === reductions.at(-1) });
  }
}

function reduceRow(
  kernel: FusedKernel,
  id: NodeId,
  time: Expression,
  threads: number,
  partial: SharedArray,
  reduction: Reduction,
  last: { readonly storage: boolean },
): void {
  const { builder, graph, evaluator } = kernel;
  const node = graph.nodes[id] as GraphNode<ReductionName>;
  const input = graph.nodes[node.inputs[0]!]!;
  const kept = rowDims(node.type);
  const reduced = rowDims(input.type).filter((d) => node.attributes.dims.includes(d.name));
  const rows = kept.reduce((n, d) => n * d.extent, 1);
  const columns = reduced.reduce((n, d) => n * d.extent, 1);
  const { initial, join } = COMBINE[node.op];
  const result = builder.shared(node.label ?? node.op, 'f32', rows);
  const lanes = Math.max(1, Math.min(floorPowerOfTwo(threads / Math.min(rows, threads)), nextPowerOfTwo(columns)));
  const perPass = threads / lanes;
  const local = e.builtin('local_index');
  const at = hasTime(input.type) ? time : undefined;

  builder.comment(`${node.op} over ${reduced.map((d) => d.name).join(', ')}: ${node.label ?? ''}`.trimEnd());
  const lane = lanes === threads ? local : builder.let('lane', e.mod(local, lanes));
  const first = lanes === threads ? e.u32(0) : builder.let('first', e.div(local, lanes));
  const body = (own: Expression, masked: boolean): void => {
    // Lanes past the last row repeat it; they leave no result.
    const row = masked && rows > 1 ? builder.let('row', e.min(own, rows - 1)) : own;
    const accumulator = builder.variable('accumulator', 'f32', e.f32(initial));
    builder.for(
      'column',
      lane,
      columns,
      (column) => {
        const keptPosition = Position.fromFlat(builder, kept, at, row);
        const reducedPosition = Position.fromFlat(builder, reduced, at, column);
        const dims = rowDims(input.type);
        const contiguous = dims.every((d, i) => d.name === [...kept, ...reduced][i]?.name);
        const position = contiguous
          ? Position.fromFlat(
              builder,
              dims,
              at,
              rows === 1 ? column : builder.let('i', e.add(e.mul(row, columns), column)),
            )
          : Position.fromCoordinates(
              builder,
              dims,
              at,
              Object.fromEntries(
                dims.map((d) => [d.name, (reduced.includes(d) ? reducedPosition : keptPosition).at(d.name)]),
              ),
            );
        accumulator.set(join(accumulator.value, evaluator.value(input.id, position)));
      },
      { step: lanes },
    );
    if (reduction === 'subgroup' && lanes === threads) {
      joinSubgroups(kernel, accumulator.value, node.op, partial);
      builder.if(e.eq(local, 0), () => {
        const count = builder.let(
          'subgroups',
          e.div(e.add(e.sub(e.builtin('subgroup_size'), 1), threads), e.builtin('subgroup_size')),
        );
        const total = builder.variable('total', 'f32', e.f32(initial));
        builder.for('s', 0, count, (s) => total.set(join(total.value, partial.at(s))));
        result.set(0, node.op === 'mean' ? e.mul(total.value, 1 / columns) : total.value);
      });
      builder.barrier(last);
      return;
    }
    if (lanes > 1) {
      partial.set(local, accumulator.value);
      builder.barrier();
    }
    // The last few are added up by one of them: a barrier costs more than that.
    const tail = lanes <= FEW_LANES ? lanes : 2;
    for (let stride = lanes / 2; stride >= tail; stride /= 2) {
      builder.if(e.lt(lane, stride), () =>
        partial.set(local, join(partial.at(local), partial.at(e.add(local, stride)))),
      );
      builder.barrier();
    }
    const finish = (): void => {
      const parts = Array.from({ length: tail }, (_, i) => partial.at(e.add(local, i)));
      const total =
        lanes > 1
          ? builder.let(
              'total',
              parts.reduce((a, b) => join(a, b)),
            )
          : accumulator.value;
      result.set(own, node.op === 'mean' ? e.mul(total, 1 / columns) : total);
    };
    const conditions = [...(lanes > 1 ? [e.eq(lane, 0)] : []), ...(masked ? [e.lt(own, rows)] : [])];
    if (conditions.length === 0) finish();
    else
      builder.if(
        conditions.reduce((a, b) => e.and(a, b)),
        finish,
      );
    builder.barrier(last);
  };
  if (perPass >= rows) body(first, perPass > rows);
  else {
    builder.for('pass', 0, Math.ceil(rows / perPass), (pass) => {
      body(builder.let('row', e.add(e.mul(pass, perPass), first)), rows % perPass !== 0);
    });
  }
  evaluator.give(id, (position) => result.at(position.flat()));
}

/** Leaves one partial result a subgroup at the start of `partial`; ends with a barrier. */
function joinSubgroups(kernel: FusedKernel, value: Expression, op: ReductionName, partial: SharedArray): void {
  const { builder } = kernel;
  const joined = builder.let('joined', e.subgroup(op === 'amax' ? 'max' : op === 'amin' ? 'min' : 'add', value));
  builder.if(e.eq(e.builtin('subgroup_lane'), 0), () => {
    partial.set(e.div(e.builtin('local_index'), e.builtin('subgroup_size')), joined);
  });
  builder.barrier();
}

function nextPowerOfTwo(n: number): number {
  return 2 ** Math.ceil(Math.log2(n));
}
