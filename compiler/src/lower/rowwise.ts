/** Element-wise nodes and row reductions, one workgroup a token: norms, gates, rotary and whatever a block writes. */
import type { FusionContext } from '../fuse/scope.js';
import { FusedKernel } from '../fuse/scope.js';
import type { RowwiseGroup } from '../fuse/group.js';
import type { Graph, NodeId } from '../graph/graph.js';
import { elementsPerToken, hasTime } from '../graph/types.js';
import * as e from '../kernel/expressions.js';
import { fusionClass } from '../fuse/classes.js';
import type { KernelCall } from './call.js';
import { withVariants } from './call.js';
import { describe, kernelName } from './names.js';
import { fitsBuffers } from './pack.js';
import { reduceRows } from './reductions.js';
import { workgroups } from './workgroup-sum.js';
import type { Workgroup } from './workgroup-sum.js';

const THREADS = 256;

export function lowerRowwise(context: FusionContext, group: RowwiseGroup): readonly KernelCall[] {
  const call = lowerOnce(context, group);
  if (fitsBuffers(call) || group.stores.length === 1) return [call];
  // What shares a kernel does so for the sake of the kernel's start alone.
  const half = Math.ceil(group.stores.length / 2);
  return [group.stores.slice(0, half), group.stores.slice(half)].flatMap((stores) =>
    lowerRowwise(context, { ...group, stores, reductions: reductionsOf(context, group, stores) }),
  );
}

/** Of the group's reductions those that these values depend on. */
function reductionsOf({ graph }: FusionContext, group: RowwiseGroup, stores: readonly NodeId[]): readonly NodeId[] {
  const needed = new Set<NodeId>();
  const visit = (id: NodeId): void => {
    if (needed.has(id)) return;
    needed.add(id);
    graph.nodes[id]!.inputs.forEach(visit);
  };
  stores.forEach(visit);
  return group.reductions.filter((id) => needed.has(id));
}

function lowerOnce(context: FusionContext, group: RowwiseGroup): KernelCall {
  const largest = Math.max(...[...group.stores, ...group.reductions].map((id) => widest(context.graph, id)));
  const threads = largest <= 64 ? 64 : THREADS;
  // Without reductions nothing waits, and one variant is as good as another.
  const variants: readonly Workgroup[] =
    group.reductions.length > 0 ? workgroups(threads) : [{ threads, reduction: 'workgroup', requires: [] }];
  return withVariants(variants.map((workgroup) => rowwise(context, group, workgroup)));
}

function rowwise(context: FusionContext, group: RowwiseGroup, { threads, reduction, requires }: Workgroup): KernelCall {
  const kernel = new FusedKernel(context, group);
  const { builder, graph } = kernel;
  const timed = hasTime(graph.nodes[group.stores[0]!]!.type);
  const time = e.builtin('workgroup_x');
  const inPlace = context.inPlace && group.stores.includes(graph.output);
  reduceRows(kernel, time, { reductions: group.reductions, threads, reduction, inPlace });
  const local = e.builtin('local_index');
  for (const id of group.stores) {
    const elements = elementsPerToken(graph.nodes[id]!.type);
    kernel.evaluator.hoist(id, time);
    builder.for(
      'i',
      local,
      elements,
      (i) => {
        kernel.storeValue(id, kernel.flatPosition(id, time, i));
      },
      { step: threads },
    );
  }
  const label = describe(graph, [...group.reductions, ...group.stores]);
  const rows = timed ? context.axis.size : 1;
  return kernel.finish({
    name: kernelName(graph, context.mode, group.stores[group.stores.length - 1]!, 'rows'),
    doc: label,
    label,
    requires,
    workgroupSize: [threads, 1, 1],
    grid: [rows, 1, 1],
    cost: { weightElements: 0, values: kernel.moved(), operations: ['mul', rows, operations(kernel)] },
  });
}

function widest(graph: Graph, id: NodeId): number {
  const node = graph.nodes[id]!;
  return Math.max(elementsPerToken(node.type), ...node.inputs.map((i) => elementsPerToken(graph.nodes[i]!.type)));
}

function operations(kernel: FusedKernel): number {
  let count = 0;
  visitInside(kernel, (id) => {
    const node = kernel.graph.nodes[id]!;
    const kind = fusionClass(node.op);
    if (kernel.isLeaf(id) || (kind !== 'element' && kind !== 'reduction')) return;
    count += elementsPerToken(kind === 'reduction' ? kernel.graph.nodes[node.inputs[0]!]!.type : node.type);
  });
  return count;
}

function visitInside(kernel: FusedKernel, visit: (id: NodeId) => void): void {
  const seen = new Set<NodeId>();
  const walk = (id: NodeId): void => {
    if (seen.has(id)) return;
    seen.add(id);
    visit(id);
    if (!kernel.isLeaf(id)) for (const input of kernel.graph.nodes[id]!.inputs) walk(input);
  };
  for (const id of kernel.group.stores) walk(id);
}
