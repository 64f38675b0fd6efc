/**
 * Gradient of the embedding table: the host sorts the tokens, so that a workgroup adds up the gradients of one id's tokens in
 * their order, and every row of the table is written by one workgroup.
 */
import type { FusionContext } from '../fuse/scope.js';
import { FusedKernel } from '../fuse/scope.js';
import type { StructuredGroup } from '../fuse/group.js';
import { Position, rowDims } from '../fuse/position.js';
import type { GraphNode } from '../graph/graph.js';
import * as e from '../kernel/expressions.js';
import type { KernelCall } from './call.js';
import { describe, kernelName } from './names.js';

const THREADS = 64;

export function lowerEmbedGradient(
  context: FusionContext,
  group: StructuredGroup,
  parameter: string,
): readonly KernelCall[] {
  const kernel = new FusedKernel(context, group);
  const { builder, graph, evaluator } = kernel;
  const node = graph.nodes[group.anchors[0]] as GraphNode<'embed_gradient'>;
  const gradient = graph.nodes[node.inputs[1]!]!;
  const [vocab, width] = node.attributes.dims.map((d) => d.extent as number) as [number, number];
  const pitch = Math.ceil(width / 4) * 4;
  const target = kernel.bind(
    'table_gradient',
    { kind: 'gradient', parameters: [parameter], interleaved: false },
    'f32',
    'read_write',
    `gradient of the table [${vocab}, ${pitch}]`,
  );
  const base = kernel.uniform('row_base', 0, 'u32', 'first row of the bound part of the table');
  const count = kernel.uniform('row_count', vocab, 'u32', 'rows of the bound part');
  const rows = kernel.bind(
    'embed_rows',
    { kind: 'training', table: 'embed_rows' },
    'vec4u',
    'read',
    'per distinct token: id, first entry, number of entries',
  );
  const order = kernel.bind(
    'embed_order',
    { kind: 'training', table: 'embed_order' },
    'u32',
    'read',
    'flat token indices, sorted by id',
  );
  const entry = builder.let('entry', rows.at(e.builtin('workgroup_x')));
  const id = builder.let('id', e.component(entry, 0));
  const first = builder.let('first', e.component(entry, 1));
  const tokens = builder.let('tokens', e.component(entry, 2));
  const inside = e.and(e.ge(id, base), e.lt(id, e.add(base, count)));
  builder.if(e.and(e.gt(tokens, 0), inside), () => {
    const start = builder.let('start', e.mul(e.sub(id, base), pitch));
    builder.for(
      'column',
      e.builtin('local_index'),
      width,
      (column) => {
        const sum = builder.variable('sum', 'f32', e.f32(0));
        builder.for('t', 0, tokens, (t) => {
          const time = builder.let('time', order.at(e.add(first, t)));
          const place = Position.fromFlat(builder, rowDims(gradient.type), time, column);
          sum.set(e.add(sum.value, evaluator.value(gradient.id, place)));
        });
        const place = builder.let('place', e.add(start, column));
        target.set(place, e.add(target.at(place), sum.value));
      },
      { step: THREADS },
    );
  });
  const label = describe(graph, [node.id]);
  return [
    kernel.finish({
      name: kernelName(graph, context.mode, node.id, 'scatter'),
      doc: 'Adds up the gradients of each token id in the row of the table.',
      label,
      workgroupSize: [THREADS, 1, 1],
      grid: ['tokens', 1, 1],
      split: { buffer: target.name, base: 'row_base', count: 'row_count', axis: 0, rowsPerWorkgroup: 0 },
      cost: {
        weightElements: ['mul', 'tokens', 2 * width],
        values: ['mul', 'tokens', width],
        operations: ['mul', 'tokens', width],
      },
    }),
  ];
}
