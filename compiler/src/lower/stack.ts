/** Gradients of several linear maps side by side, as the rows of their matrix lie: each input is computed where it is put. */
import { FusedKernel } from '../fuse/scope.js';
import type { FusionContext } from '../fuse/scope.js';
import type { StructuredGroup } from '../fuse/group.js';
import type { GraphNode } from '../graph/graph.js';
import { elementsPerToken, hasTime, tensor } from '../graph/types.js';
import * as e from '../kernel/expressions.js';
import type { Expression } from '../kernel/ir.js';
import type { KernelCall } from './call.js';
import { describe, kernelName } from './names.js';
import { fitsBuffers } from './pack.js';

const THREADS = 256;

export function lowerStack(context: FusionContext, group: StructuredGroup): readonly KernelCall[] {
  const node = context.graph.nodes[group.anchors[0]] as GraphNode<'stack'>;
  return fill(context, group, [...node.inputs.keys()]);
}

/** As few kernels as the limit of buffers lets fill in these inputs. */
function fill(context: FusionContext, group: StructuredGroup, inputs: readonly number[]): readonly KernelCall[] {
  const call = fillOnce(context, group, inputs);
  if (fitsBuffers(call) || inputs.length === 1) return [call];
  const half = Math.ceil(inputs.length / 2);
  return [...fill(context, group, inputs.slice(0, half)), ...fill(context, group, inputs.slice(half))];
}

function fillOnce(context: FusionContext, group: StructuredGroup, inputs: readonly number[]): KernelCall {
  const kernel = new FusedKernel(context, group);
  const { builder, graph, evaluator } = kernel;
  const node = graph.nodes[group.anchors[0]] as GraphNode<'stack'>;
  const { kept, interleaved } = node.attributes;
  const type = node.type;
  const rows = type.dims.at(-1)!.extent as number;
  const leading = elementsPerToken(tensor(type.dims.slice(0, kept.length)));
  const time = e.builtin('workgroup_x');
  const local = e.builtin('local_index');
  const target = kernel.bind(
    'stacked',
    { kind: 'value', node: node.id },
    'f32',
    'read_write',
    'gradients, side by side',
  );
  const start = builder.let('token_start', hasTime(type) ? e.mul(time, leading * rows) : e.u32(0));
  const own = node.inputs.map((id) => elementsPerToken(graph.nodes[id]!.type) / leading);
  for (const j of inputs) {
    const id = node.inputs[j]!;
    const first = own.slice(0, j).reduce((a, b) => a + b, 0);
    evaluator.hoist(id, time);
    builder.for(
      'i',
      local,
      leading * own[j]!,
      (i) => {
        const value = evaluator.value(id, kernel.flatPosition(id, time, i));
        const row = (r: Expression): Expression =>
          interleaved ? e.add(e.mul(r, node.inputs.length), j) : e.add(r, first);
        const place =
          leading === 1 ? row(i) : e.add(e.mul(e.div(i, own[j]!), rows), row(builder.let('r', e.mod(i, own[j]!))));
        target.set(e.add(start, place), value);
      },
      { step: THREADS },
    );
  }
  const label = `stack ${describe(
    graph,
    inputs.map((j) => node.inputs[j]!),
  )}`;
  const tokens = hasTime(type) ? context.axis.size : 1;
  return kernel.finish({
    name: kernelName(
      graph,
      context.mode,
      node.id,
      inputs.length === own.length ? 'stack' : `stack_${inputs.join('_')}`,
    ),
    doc: label,
    label,
    workgroupSize: [THREADS, 1, 1],
    grid: [tokens, 1, 1],
    cost: { weightElements: 0, values: kernel.moved(), operations: ['mul', tokens, leading * rows] },
  });
}
