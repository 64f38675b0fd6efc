/** From fused groups to kernels: the one place that knows which generator serves which group. */
import type { FusionContext } from '../fuse/scope.js';
import { FusedKernel } from '../fuse/scope.js';
import type { Group, LinearGroup, StructuredGroup } from '../fuse/group.js';
import { partition } from '../fuse/partition.js';
import type { TimeAxis } from '../fuse/axis.js';
import type { Graph, GraphNode, NodeId } from '../graph/graph.js';
import type { OpName } from '../ops/attributes.js';
import { lowerAttend } from './attend/attend.js';
import type { CallOperand, KernelCall, Mode, VectorLayout } from './call.js';
import { lowerConv1d } from './conv1d.js';
import { lowerEmbed } from './embed.js';
import { lowerMatmul } from './linear/matmul.js';
import { lowerMatvec } from './linear/matvec.js';
import { fitsBuffers } from './pack.js';
import { lowerRowwise } from './rowwise.js';
import { lowerScan } from './scan/scan.js';
import type { Lowering } from './scope.js';
import { lowerSpectralNorm, spectralNormPath } from './spectral-norm.js';
import { lowerSsd } from './ssd/ssd.js';

const STRUCTURED: { readonly [N in OpName]?: Lowering<N> } = {
  attend: lowerAttend,
  conv1d: lowerConv1d,
  scan: lowerScan,
  ssd: lowerSsd,
};

export interface LowerOptions {
  readonly mode: Mode;
  readonly fused: boolean;
  readonly axis: TimeAxis;
  /** The result replaces the residual stream `x` in its buffer. */
  readonly inPlace: boolean;
  readonly outputOperand?: CallOperand;
}

/** All kernels of a graph's program, in order. */
export function lower(graph: Graph, options: LowerOptions): readonly KernelCall[] {
  const calls = lowerGroups(graph, partition(graph, options), options);
  // Rotating and writing the cache takes tables and states beside all else that the product binds.
  return calls.every(fitsBuffers)
    ? calls
    : lowerGroups(graph, partition(graph, { ...options, cacheWrites: false }), options);
}

function lowerGroups(graph: Graph, groups: readonly Group[], options: LowerOptions): readonly KernelCall[] {
  const context: FusionContext = {
    graph,
    mode: options.mode,
    axis: options.axis,
    layout: vectorLayout(graph),
    stored: new Set(groups.flatMap((g) => g.stores)),
    inPlace: options.inPlace,
    ...(options.outputOperand ? { outputOperand: options.outputOperand } : {}),
  };
  return groups.flatMap((group) => lowerGroup(context, group));
}

function lowerGroup(context: FusionContext, group: Group): readonly KernelCall[] {
  switch (group.kind) {
    case 'rowwise':
      return lowerRowwise(context, group);
    case 'linear':
      return lowerLinear(context, group);
    case 'structured':
      return lowerStructured(context, group);
  }
}

function lowerLinear(context: FusionContext, group: LinearGroup): readonly KernelCall[] {
  return context.mode === 'decode' ? lowerMatvec(context, group) : lowerMatmul(context, group);
}

function lowerStructured(context: FusionContext, group: StructuredGroup): readonly KernelCall[] {
  const node = context.graph.nodes[group.anchors[0]]!;
  if (node.op === 'embed') return lowerEmbed(context, group);
  const lowering = STRUCTURED[node.op] as Lowering<OpName> | undefined;
  if (!lowering) throw new Error(`no lowering for ${node.op}`);
  return lowering({
    graph: context.graph,
    node,
    nodes: group.anchors.map((id) => context.graph.nodes[id]!),
    mode: context.mode,
    cached: group.cached,
    scope: () => new FusedKernel(context, group),
  });
}

/** Vector parameters one after another, each on a multiple of 4 elements; the pack on a multiple of 64. */
export function vectorLayout(graph: Graph): VectorLayout {
  const offsets: Record<string, number> = {};
  let elements = 0;
  for (const parameter of graph.parameters) {
    if (parameter.role !== 'vector') continue;
    offsets[parameter.path] = elements;
    const size = parameter.type.dims.reduce((n, d) => n * (d.extent as number), 1);
    elements += Math.ceil(size / 4) * 4;
  }
  for (const node of graph.nodes) {
    if (node.op !== 'spectral_norm') continue;
    offsets[spectralNormPath(graph, node)] = elements;
    elements += 4;
  }
  return { elements: Math.ceil(elements / 64) * 64, offsets };
}

/** What is computed once after loading: kernels that write derived values into the graph's pack of vectors. */
export function lowerPreparation(graph: Graph, fused: boolean): readonly KernelCall[] {
  return graph.nodes
    .filter((n): n is GraphNode<'spectral_norm'> => n.op === 'spectral_norm')
    .map((node) => lowerSpectralNorm(graph, node, vectorLayout(graph), fused));
}

/** Node of a parameter, by path. */
export function parameterNode(graph: Graph, path: string): NodeId | undefined {
  return graph.nodes.find((n) => n.op === 'parameter' && (n as GraphNode<'parameter'>).attributes.path === path)?.id;
}
