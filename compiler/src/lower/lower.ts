/** From fused groups to kernels: the one place that knows which generator serves which group. */
import { reducesTime } from '../fuse/classes.js';
import type { LinearSet } from '../fuse/linear-groups.js';
import type { AddedTo, FusionContext } from '../fuse/scope.js';
import { FusedKernel } from '../fuse/scope.js';
import type { Group, LinearGroup, StructuredGroup } from '../fuse/group.js';
import { partition } from '../fuse/partition.js';
import type { TimeAxis } from '../fuse/axis.js';
import type { Graph, GraphNode, NodeId } from '../graph/graph.js';
import type { OpName } from '../ops/attributes.js';
import { lowerAttend } from './attend/attend.js';
import { lowerAttendProbe } from './attend/probe.js';
import { lowerAttendGradient } from './attend/gradient/gradient.js';
import type { CallOperand, KernelCall, Mode, VectorLayout } from './call.js';
import { lowerConv1d } from './conv1d.js';
import { lowerConv1dInputGradient, lowerConv1dWeightGradient } from './conv1d-gradient.js';
import { lowerCrossEntropy } from './cross-entropy.js';
import { lowerEmbed } from './embed.js';
import { lowerEmbedGradient } from './embed-gradient.js';
import { lowerMatrixInputGradient } from './linear/input-gradient.js';
import { lowerMatmul } from './linear/matmul.js';
import { lowerMatvec } from './linear/matvec.js';
import { fitsBuffers } from './pack.js';
import { lowerMatrixWeightGradient } from './linear/weight-gradient.js';
import type { MatrixOperand } from './linear/weight-gradient.js';
import { lowerRowwise } from './rowwise.js';
import { lowerScanGradient } from './scan/gradient/gradient.js';
import { lowerScan } from './scan/scan.js';
import type { Lowering } from './scope.js';
import { lowerSpectralNormGradient } from './spectral/gradient.js';
import { lowerSpectralNorm, spectralNormPath } from './spectral/norm.js';
import { lowerSsdGradient } from './ssd/gradient/gradient.js';
import { lowerSsd } from './ssd/ssd.js';
import { lowerStack } from './stack.js';
import { lowerTimeReduction } from './time-reduction.js';
import { byName } from '../model/by-name.js';

const STRUCTURED: { readonly [N in OpName]?: Lowering<N> } = {
  attend: lowerAttend,
  attend_gradient: lowerAttendGradient,
  attend_probe: lowerAttendProbe,
  conv1d: lowerConv1d,
  conv1d_input_gradient: lowerConv1dInputGradient,
  conv1d_weight_gradient: lowerConv1dWeightGradient,
  scan: lowerScan,
  scan_gradient: lowerScanGradient,
  ssd: lowerSsd,
  ssd_gradient: lowerSsdGradient,
};

export interface LowerOptions {
  readonly mode: Mode;
  readonly fused: boolean;
  /** Rows from which on a matrix has the kernels for high ones. */
  readonly high?: number;
  readonly axis: TimeAxis;
  /** The result replaces the residual stream `x` in its buffer. */
  readonly inPlace: boolean;
  readonly outputOperand?: CallOperand;
  /** Nodes whose values leave the graph besides its output. */
  readonly roots?: readonly NodeId[];
  /** What backward graphs take over from the forward graph. */
  readonly sets?: readonly LinearSet[];
  readonly layout?: VectorLayout;
  readonly gradients?: GradientTargets;
}

/** Where gradients of parameters go. */
export interface GradientTargets {
  /** Matrices of `matrix_weight_gradient` and `embed_gradient` nodes. */
  readonly matrices: ReadonlyMap<NodeId, MatrixOperand>;
  /** Values that are added element by element. */
  readonly added: ReadonlyMap<NodeId, readonly AddedTo[]>;
}

/** All kernels of a graph's program, in order. */
export function lower(graph: Graph, options: LowerOptions): readonly KernelCall[] {
  if (options.mode !== 'train') {
    const calls = lowerGroups(graph, partition(graph, options), options).flat();
    if (calls.every(fitsBuffers)) return calls;
  }
  // Rotating and writing the cache takes tables and states beside all else that a product binds.
  return lowerBare(graph, { ...options, cacheWrites: false });
}

/** Groups that bind more buffers than there may be go without an epilogue: what is kept is stored beside what comes of it. */
function lowerBare(graph: Graph, options: LowerOptions & { readonly cacheWrites: false }): readonly KernelCall[] {
  const bare = new Set<NodeId>();
  for (;;) {
    const groups = partition(graph, { ...options, bare });
    const calls = lowerGroups(graph, groups, options);
    const over = groups.filter((group, i) => group.epilogue.size > 0 && !calls[i]!.every(fitsBuffers));
    if (over.length === 0) return calls.flat();
    for (const { anchors } of over) for (const anchor of anchors) bare.add(anchor);
  }
}

/** Kernels of each group. */
function lowerGroups(
  graph: Graph,
  groups: readonly Group[],
  options: LowerOptions,
): readonly (readonly KernelCall[])[] {
  const context: Omit<FusionContext, 'stored'> = {
    graph,
    mode: options.mode,
    axis: options.axis,
    ...(options.high === undefined ? {} : { high: options.high }),
    layout: options.layout ?? vectorLayout(graph),
    inPlace: options.inPlace,
    ...(options.outputOperand ? { outputOperand: options.outputOperand } : {}),
    ...(options.gradients ? { gradients: options.gradients, read: crossing(graph, groups, options) } : {}),
  };
  const stored = storedBefore(groups);
  return groups.map((group, i) => lowerGroup({ ...context, stored: stored[i]! }, group));
}

/** What lies in buffers when each group runs. */
function storedBefore(groups: readonly Group[]): readonly ReadonlySet<NodeId>[] {
  return groups.map((_, i) => new Set(groups.slice(0, i).flatMap((g) => g.stores)));
}

/** Values that one group stores and another one reads, or that leave the graph as values. */
function crossing(graph: Graph, groups: readonly Group[], options: LowerOptions): ReadonlySet<NodeId> {
  const added = options.gradients!;
  const read = new Set<NodeId>(
    [graph.output, ...(options.roots ?? [])].filter((id) => !added.added.has(id) && !added.matrices.has(id)),
  );
  const stored = storedBefore(groups);
  for (const [i, group] of groups.entries()) {
    const own = new Set<NodeId>([...group.anchors, ...group.epilogue, ...group.stores]);
    const seen = new Set<NodeId>();
    const visit = (id: NodeId): void => {
      if (seen.has(id)) return;
      seen.add(id);
      if (stored[i]!.has(id) && !own.has(id)) {
        read.add(id);
        return;
      }
      graph.nodes[id]!.inputs.forEach(visit);
    };
    const reductions = group.kind === 'structured' ? [] : group.reductions;
    [...own, ...reductions].forEach(visit);
  }
  return read;
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
  switch (node.op) {
    case 'stack':
      return lowerStack(context, group);
    case 'matrix_input_gradient':
      return lowerMatrixInputGradient(context, group);
    case 'matrix_weight_gradient':
      return lowerMatrixWeightGradient(context, group, matrixOf(context, node.id));
    case 'embed_gradient':
      return lowerEmbedGradient(context, group, matrixOf(context, node.id).parameters[0]!);
    case 'spectral_norm_gradient':
      return lowerSpectralNormGradient(context, group);
    case 'cross_entropy_gradient':
      return lowerCrossEntropy(context, group, node.inputs[0]!, true);
    default:
      break;
  }
  const lowering = (reducesTime(context.graph, node) ? lowerTimeReduction : STRUCTURED[node.op]) as
    Lowering<OpName> | undefined;
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

function matrixOf(context: FusionContext, id: NodeId): MatrixOperand {
  const matrix = context.gradients?.matrices.get(id);
  if (!matrix) throw new Error('the gradient of a matrix has no place');
  return matrix;
}

/** Vector parameters one after another, each on a multiple of 4 elements; the pack on a multiple of 64. */
export function vectorLayout(graph: Graph): VectorLayout {
  const offsets = byName<number>();
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
