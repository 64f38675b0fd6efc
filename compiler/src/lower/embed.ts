/** Token embedding: one workgroup a token copies its row. A part of a split table writes the tokens whose row it holds. */
import type { FusionContext } from '../fuse/scope.js';
import { FusedKernel } from '../fuse/scope.js';
import type { StructuredGroup } from '../fuse/group.js';
import type { GraphNode } from '../graph/graph.js';
import { Position, rowDims } from '../fuse/position.js';
import * as e from '../kernel/expressions.js';
import type { KernelCall } from './call.js';
import { describe, kernelName } from './names.js';

const THREADS = 64;

export function lowerEmbed(context: FusionContext, group: StructuredGroup): readonly KernelCall[] {
  const kernel = new FusedKernel(context, group);
  const { builder, graph } = kernel;
  const node = graph.nodes[group.anchors[0]] as GraphNode<'embed'>;
  const table = graph.nodes[node.inputs[1]!]! as GraphNode<'parameter'>;
  const [vocab, width] = table.type.dims.map((d) => d.extent as number) as [number, number];
  const weights = kernel.bind(
    'weights',
    { kind: 'matrix', parameters: [table.attributes.path], interleaved: false },
    'weights',
    'read',
    `embedding table [${vocab}, ${width}]`,
  );
  const base = kernel.uniform('row_base', 0, 'u32', 'first row of the bound part of the table');
  const count = kernel.uniform('row_count', vocab, 'u32', 'rows of the bound part');
  const time = e.builtin('workgroup_x');
  const id = builder.let('id', e.component(kernel.token(time), 0));
  builder.if(e.and(e.ge(id, base), e.lt(id, e.add(base, count))), () => {
    const row = builder.let('row', e.mul(e.sub(id, base), Math.ceil(width / 4)));
    builder.for(
      'c',
      e.builtin('local_index'),
      Math.ceil(width / 4),
      (c) => {
        const four = builder.let('four', weights.at(e.add(row, c)));
        for (let lane = 0; lane < 4; lane++) {
          const column = e.add(e.mul(c, 4), lane);
          const write = (): void => {
            const position = Position.fromFlat(builder, rowDims(node.type), time, builder.let('column', column));
            kernel.store(new Map([[node.id, { position, value: e.component(four, lane) }]]));
          };
          if (width % 4 !== 0 && lane > 0) builder.if(e.lt(column, width), write);
          else write();
        }
      },
      { step: THREADS },
    );
  });
  const label = describe(graph, [node.id, ...group.epilogue]);
  return [
    kernel.finish({
      name: kernelName(graph, context.mode, node.id, 'gather'),
      doc: label,
      label,
      workgroupSize: [THREADS, 1, 1],
      grid: [context.axis.size, 1, 1],
      split: { buffer: weights.name, base: 'row_base', count: 'row_count', axis: 0, rowsPerWorkgroup: 0 },
      cost: {
        weightElements: ['mul', context.axis.size, width],
        values: ['mul', context.axis.size, width],
        operations: 0,
      },
    }),
  ];
}
