/**
 * Gradient of a linear map's input: the matrix is read as it lies, row by row, each four of columns weighted by one element
 * of the result's gradient. An invocation makes a tile of row vectors × fours of columns in registers. Parts of a matrix that
 * is split over bindings add up in the result, one after another.
 */
import { FusedKernel } from '../../fuse/scope.js';
import type { FusionContext } from '../../fuse/scope.js';
import type { StructuredGroup } from '../../fuse/group.js';
import type { GraphNode } from '../../graph/graph.js';
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import type { KernelCall } from '../call.js';
import { describe, kernelName } from '../names.js';
import { bindRows } from '../quads.js';
import { RowVectors } from './row-vectors.js';

const VECTORS = 8;
const QUADS = 2;
const SIDE = 8;
/** Rows of the matrix that a step takes. */
const ROWS = 4;
/** Parts of the matrix begin at multiples of this. */
export const ROW_UNIT = 64;

export function lowerMatrixInputGradient(context: FusionContext, group: StructuredGroup): readonly KernelCall[] {
  const kernel = new FusedKernel(context, group);
  const { builder, graph } = kernel;
  const node = graph.nodes[group.anchors[0]] as GraphNode<'matrix_input_gradient'>;
  const gradient = new RowVectors(kernel, node.inputs[0]!, [graph.nodes[node.inputs[0]!]!.type.dims.at(-1)!.name]);
  const columns = node.attributes.in.reduce((n, d) => n * (d.extent as number), 1);
  const columns4 = Math.ceil(columns / 4);
  const rows = gradient.columns;
  const weights = kernel.bind(
    'weights',
    {
      kind: 'matrix',
      parameters: node.inputs.slice(1).map((i) => (graph.nodes[i] as GraphNode<'parameter'>).attributes.path),
      interleaved: node.attributes.interleaved,
    },
    'weights',
    'read',
    `weights [${rows}, ${columns}]`,
  );
  const base = kernel.uniform('row_base', 0, 'u32', 'first row of the bound part of the matrix');
  const count = kernel.uniform('row_count', rows, 'u32', 'rows of the bound part');
  const total = kernel.uniform('vector_count', gradient.count, 'u32', 'row vectors of the gradient');
  const result = bindRows(
    kernel,
    'result',
    { kind: 'value', node: node.id },
    columns,
    'read_write',
    'gradient of the input',
  );

  const invocation = (x: Expression, y: Expression): Expression => e.add(e.mul(x, SIDE), y);
  const firstQuad = builder.let('first_quad', e.mul(invocation(e.builtin('workgroup_x'), e.builtin('local_x')), QUADS));
  const firstVector = builder.let(
    'first_vector',
    e.mul(invocation(e.builtin('workgroup_y'), e.builtin('local_y')), VECTORS),
  );
  const quads = Array.from({ length: QUADS }, (_, q) =>
    builder.let(`quad_${q}`, e.min(e.add(firstQuad, q), columns4 - 1)),
  );
  const vectors = Array.from({ length: VECTORS }, (_, v) =>
    builder.let(`vector_${v}`, e.min(e.add(firstVector, v), e.sub(total, 1))),
  );
  const zero = e.vector('vec4f', 0);
  const sums = vectors.map((_, v) => quads.map((_q, q) => builder.variable(`sum_${v}_${q}`, 'vec4f', zero)));

  builder.for('r', 0, e.ceilDiv(count, ROWS), (r) => {
    const first = builder.let('row', e.mul(r, ROWS));
    const at = builder.let('row4', e.add(e.div(base, ROWS), r));
    // Rows past the end are read again with a gradient of zero: a whole matrix may end within a four.
    const w = Array.from({ length: ROWS }, (_, j) => {
      const start = builder.let(`start_${j}`, e.mul(e.min(e.add(first, j), e.sub(count, 1)), columns4));
      return quads.map((q, k) => builder.let(`w_${j}_${k}`, weights.at(e.add(start, q))));
    });
    vectors.forEach((vector, v) => {
      const g = builder.let(`g_${v}`, gradient.four(vector, at));
      w.forEach((row, j) =>
        row.forEach((four, q) => {
          const sum = sums[v]![q]!;
          sum.set(e.add(sum.value, e.mul(four, e.component(g, j))));
        }),
      );
    });
  });

  const tile = builder.array('tile', 'vec4f', VECTORS * QUADS);
  sums.forEach((row, v) => row.forEach((sum, q) => tile.set(v * QUADS + q, sum.value)));
  builder.for('v', 0, VECTORS, (v) => {
    const vector = builder.let('vector', e.add(firstVector, v));
    builder.for('q', 0, QUADS, (q) => {
      const quad = builder.let('quad', e.add(firstQuad, q));
      builder.if(e.and(e.lt(vector, total), e.lt(quad, columns4)), () => {
        const sum = builder.variable('sum', 'vec4f', tile.at(e.add(e.mul(v, QUADS), q)));
        builder.if(e.gt(base, 0), () => sum.set(e.add(sum.value, result.at(vector, quad))));
        result.set(vector, quad, sum.value);
      });
    });
  });

  const label = `${describe(graph, [node.id])}: gradient of the input`;
  return [
    kernel.finish({
      name: kernelName(graph, context.mode, node.id, 'matmul'),
      doc: label,
      label,
      workgroupSize: [SIDE, SIDE, 1],
      grid: [Math.ceil(columns4 / (SIDE * QUADS)), ['ceil_div', gradient.count, SIDE * VECTORS], 1],
      // The grid does not count rows; what a part has is in `row_count`.
      split: { buffer: weights.name, base: 'row_base', count: 'row_count', axis: 2, rowsPerWorkgroup: 0 },
      cost: {
        weightElements: rows * columns,
        values: ['mul', gradient.count, rows + columns],
        operations: ['mul', gradient.count, 2 * rows * columns],
      },
    }),
  ];
}
