/**
 * Gradient of a linear map's input: the matrix is read as it lies, row by row, each four of columns weighted by one element
 * of the result's gradient. Parts of a matrix that is split over bindings add up in the result, one after another.
 */
import { FusedKernel } from '../../fuse/scope.js';
import type { FusionContext } from '../../fuse/scope.js';
import type { StructuredGroup } from '../../fuse/group.js';
import type { GraphNode } from '../../graph/graph.js';
import * as e from '../../kernel/expressions.js';
import type { KernelCall } from '../call.js';
import { withVariants } from '../call.js';
import { describe, kernelName } from '../names.js';
import { bindRows } from '../quads.js';
import { OUTER_PRODUCTS, TILE_LINES, TILE_QUADS } from './outer-products.js';
import type { OuterProductsVariant } from './outer-products.js';
import { RowVectors } from './row-vectors.js';

export function lowerMatrixInputGradient(context: FusionContext, group: StructuredGroup): readonly KernelCall[] {
  return [withVariants(OUTER_PRODUCTS.map((variant) => inputGradient(context, group, variant)))];
}

function inputGradient(context: FusionContext, group: StructuredGroup, variant: OuterProductsVariant): KernelCall {
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

  variant.emit({
    builder,
    lines: total,
    quads: columns4,
    first: e.u32(0),
    end: count,
    fours: 'steps',
    left: (vector, four) => gradient.four(vector, e.add(e.div(base, 4), four)),
    right: (row, quad) => weights.at(e.add(e.mul(row, columns4), quad)),
    store: (vector, quad, value) => {
      const sum = builder.variable('sum', 'vec4f', value);
      builder.if(e.gt(base, 0), () => sum.set(e.add(sum.value, result.at(vector, quad))));
      result.set(vector, quad, sum.value);
    },
  });

  const label = `${describe(graph, [node.id])}: gradient of the input`;
  return kernel.finish({
    name: kernelName(graph, context.mode, node.id, 'matmul'),
    doc: label,
    label,
    requires: variant.requires,
    workgroupSize: variant.workgroupSize,
    grid: [Math.ceil(columns4 / TILE_QUADS), ['ceil_div', gradient.count, TILE_LINES], 1],
    // The grid does not count rows; what a part has is in `row_count`.
    split: { buffer: weights.name, base: 'row_base', count: 'row_count', axis: 2, rowsPerWorkgroup: 0 },
    cost: {
      weightElements: rows * columns,
      values: ['mul', gradient.count, rows + columns],
      operations: ['mul', gradient.count, 2 * rows * columns],
    },
  });
}
