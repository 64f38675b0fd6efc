/**
 * Gradient of a matrix: for each token the outer product of the result's gradient and the input, added up over the call's
 * tokens in order, then to what earlier parts of the batch gave. An invocation makes a tile of rows × columns in registers.
 */
import { FusedKernel } from '../../fuse/scope.js';
import type { FusionContext } from '../../fuse/scope.js';
import type { StructuredGroup } from '../../fuse/group.js';
import type { GraphNode } from '../../graph/graph.js';
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import type { KernelCall } from '../call.js';
import { describe, kernelName } from '../names.js';
import { RowVectors } from './row-vectors.js';

const SIDE = 8;
/** Fours of rows and of columns that an invocation makes. */
const ROW_QUADS = 2;
const COLUMN_QUADS = 2;
const ROWS = SIDE * ROW_QUADS * 4;

export interface MatrixOperand {
  readonly parameters: readonly string[];
  readonly interleaved: boolean;
}

export function lowerMatrixWeightGradient(
  context: FusionContext,
  group: StructuredGroup,
  matrix: MatrixOperand,
): readonly KernelCall[] {
  const kernel = new FusedKernel(context, group);
  const { builder, graph } = kernel;
  const node = graph.nodes[group.anchors[0]] as GraphNode<'matrix_weight_gradient'>;
  const gradient = new RowVectors(kernel, node.inputs[0]!, [graph.nodes[node.inputs[0]!]!.type.dims.at(-1)!.name]);
  const input = new RowVectors(kernel, node.inputs[1]!, node.attributes.in);
  const { columns4 } = input;
  const rows = gradient.columns;
  const target = kernel.bind(
    'matrix_gradient',
    { kind: 'gradient', parameters: matrix.parameters, interleaved: matrix.interleaved },
    'vec4f',
    'read_write',
    `gradient of the matrix [${rows}, ${input.columns}]`,
  );
  const base = kernel.uniform('row_base', 0, 'u32', 'first row of the bound part of the matrix');
  const count = kernel.uniform('row_count', rows, 'u32', 'rows of the bound part');
  const total = kernel.uniform('vector_count', gradient.count, 'u32', 'row vectors');
  const invocation = (x: Expression, y: Expression): Expression => e.add(e.mul(x, SIDE), y);
  const firstRow4 = builder.let(
    'first_row4',
    e.mul(invocation(e.builtin('workgroup_x'), e.builtin('local_x')), ROW_QUADS),
  );
  const firstQuad = builder.let(
    'first_quad',
    e.mul(invocation(e.builtin('workgroup_y'), e.builtin('local_y')), COLUMN_QUADS),
  );
  // Fours past the end repeat the last one; their sums are dropped.
  const last = builder.let('last_row4', e.sub(e.ceilDiv(e.add(base, count), 4), 1));
  const row4 = Array.from({ length: ROW_QUADS }, (_, r) =>
    builder.let(`row4_${r}`, e.min(e.add(e.add(e.div(base, 4), firstRow4), r), last)),
  );
  const quads = Array.from({ length: COLUMN_QUADS }, (_, q) =>
    builder.let(`quad_${q}`, e.min(e.add(firstQuad, q), columns4 - 1)),
  );
  const zero = e.vector('vec4f', 0);
  const sums = Array.from({ length: ROW_QUADS * 4 }, (_, r) =>
    quads.map((_q, q) => builder.variable(`sum_${r}_${q}`, 'vec4f', zero)),
  );
  builder.for('vector', 0, total, (vector) => {
    const x = quads.map((quad, q) => builder.let(`x_${q}`, input.four(vector, quad)));
    row4.forEach((at, r) => {
      const g = builder.let(`g_${r}`, gradient.four(vector, at));
      for (let lane = 0; lane < 4; lane++) {
        x.forEach((four, q) => {
          const sum = sums[r * 4 + lane]![q]!;
          sum.set(e.add(sum.value, e.mul(four, e.component(g, lane))));
        });
      }
    });
  });

  const tile = builder.array('tile', 'vec4f', ROW_QUADS * 4 * COLUMN_QUADS);
  sums.forEach((row, r) => row.forEach((sum, q) => tile.set(r * COLUMN_QUADS + q, sum.value)));
  builder.for('r', 0, ROW_QUADS * 4, (r) => {
    const row = builder.let('row', e.add(e.mul(firstRow4, 4), r));
    builder.for('q', 0, COLUMN_QUADS, (q) => {
      const quad = builder.let('quad', e.add(firstQuad, q));
      builder.if(e.and(e.lt(row, count), e.lt(quad, columns4)), () => {
        const place = builder.let('place', e.add(e.mul(row, columns4), quad));
        target.set(place, e.add(target.at(place), tile.at(e.add(e.mul(r, COLUMN_QUADS), q))));
      });
    });
  });

  const label = `${describe(graph, [node.id])}: gradient of the matrix`;
  return [
    kernel.finish({
      name: kernelName(graph, context.mode, node.id, 'matmul'),
      doc: label,
      label,
      workgroupSize: [SIDE, SIDE, 1],
      grid: [Math.ceil(rows / ROWS), Math.ceil(columns4 / (SIDE * COLUMN_QUADS)), 1],
      split: { buffer: target.name, base: 'row_base', count: 'row_count', axis: 0, rowsPerWorkgroup: ROWS },
      cost: {
        weightElements: 2 * rows * input.columns,
        values: ['mul', gradient.count, rows + input.columns],
        operations: ['mul', gradient.count, 2 * rows * input.columns],
      },
    }),
  ];
}
