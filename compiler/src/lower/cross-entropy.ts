/**
 * Cross-entropy of a chunk of rows, a workgroup a row: largest logit and sum of exponentials, the loss of the row's label,
 * and the gradient of the logits. Labels, the gradient's weight, smoothing and z-loss come from the step's buffers.
 */
import { SETTINGS } from '@hyb/runtime';
import { FusedKernel } from '../fuse/scope.js';
import type { FusionContext } from '../fuse/scope.js';
import type { StructuredGroup } from '../fuse/group.js';
import { TOKENS } from '../fuse/axis.js';
import type { Graph, NodeId } from '../graph/graph.js';
import { elementsPerToken } from '../graph/types.js';
import * as e from '../kernel/expressions.js';
import type { Expression } from '../kernel/ir.js';
import type { KernelCall, VectorLayout } from './call.js';
import { kernelName } from './names.js';
import { knownByTree } from './workgroup-tree.js';
import type { Join } from './workgroup-tree.js';

const THREADS = 64;
const LOWEST = -3.4e38;

/** @param gradient whether the gradient of the logits is stored as the value of the group's node */
export function lowerCrossEntropy(
  context: FusionContext,
  group: StructuredGroup,
  logits: NodeId,
  gradient: boolean,
): readonly KernelCall[] {
  const kernel = new FusedKernel(context, group);
  const { builder, graph } = kernel;
  const vocab = elementsPerToken(graph.nodes[logits]!.type);
  const time = e.builtin('workgroup_x');
  const local = e.builtin('local_index');
  const values = kernel.bind('logits', { kind: 'value', node: logits }, 'f32', 'read', `logits [row, ${vocab}]`);
  const labels = kernel.bind('labels', { kind: 'training', table: 'labels' }, 'u32', 'read', 'label of each row');
  const losses = kernel.bind('losses', { kind: 'training', table: 'losses' }, 'f32', 'read_write', 'loss of each row');
  const settings = kernel.bind('settings', { kind: 'training', table: 'settings' }, 'f32', 'read', 'of the step');
  const start = builder.let('start', e.mul(time, vocab));
  const label = builder.let('label', labels.at(time));
  const partial = builder.shared('partial', 'f32', THREADS);

  /** A value of the whole row, which every invocation gets. */
  const overRow = (
    hint: string,
    initial: number,
    join: Join,
    element: (logit: Expression) => Expression,
  ): Expression => {
    const own = builder.variable('own', 'f32', e.f32(initial));
    builder.for('v', local, vocab, (v) => own.set(join(own.value, element(values.at(e.add(start, v))))), {
      step: THREADS,
    });
    return knownByTree(builder, partial, THREADS, hint, own.value, join);
  };
  const largest = overRow(
    'largest',
    LOWEST,
    (a, b) => e.max(a, b),
    (x) => x,
  );
  const total = overRow(
    'total',
    0,
    (a, b) => e.add(a, b),
    (x) => e.exp(e.sub(x, largest)),
  );
  const partition = builder.let('log_sum', e.add(largest, e.call('log', total)));
  const counts = builder.let('counts', e.lt(label, vocab));
  builder.if(e.eq(local, 0), () => {
    const own = values.at(e.add(start, e.min(label, vocab - 1)));
    losses.set(time, e.select(counts, e.sub(partition, own), e.f32(0)));
  });
  if (gradient) {
    const node = group.anchors[0];
    const target = kernel.bind(
      'gradient',
      { kind: 'value', node },
      'f32',
      'read_write',
      `gradient of the logits [row, ${vocab}]`,
    );
    const weight = builder.let('weight', e.select(counts, settings.at(SETTINGS.weight), e.f32(0)));
    const smoothing = builder.let('smoothing', settings.at(SETTINGS.smoothing));
    // d/dlogit of the cross-entropy with a smoothed label, and of z log² of the partition function.
    const share = builder.let('share', e.add(e.mul(e.mul(partition, 2), settings.at(SETTINGS.z)), e.f32(1)));
    const spread = builder.let('spread', e.div(smoothing, vocab));
    builder.for(
      'v',
      local,
      vocab,
      (v) => {
        const place = builder.let('place', e.add(start, v));
        const probability = e.exp(e.sub(values.at(place), partition));
        const hit = e.select(e.eq(v, label), e.sub(e.f32(1), smoothing), e.f32(0));
        target.set(place, e.mul(weight, e.sub(e.sub(e.mul(probability, share), hit), spread)));
      },
      { step: THREADS },
    );
  }
  return [
    kernel.finish({
      name: kernelName(graph, context.mode, logits, gradient ? 'cross_entropy_gradient' : 'cross_entropy'),
      doc: gradient ? 'Cross-entropy of each row and its gradient.' : 'Cross-entropy of each row.',
      label: gradient ? 'cross-entropy and its gradient' : 'cross-entropy',
      workgroupSize: [THREADS, 1, 1],
      grid: ['tokens', 1, 1],
      cost: {
        weightElements: 0,
        values: ['mul', 'tokens', vocab * (gradient ? 4 : 2)],
        operations: ['mul', 'tokens', vocab * (gradient ? 10 : 5)],
      },
    }),
  ];
}

/** The losses of a graph's logits, without gradients. */
export function lossOf(graph: Graph, layout: VectorLayout): KernelCall {
  const context = {
    graph,
    mode: 'train',
    axis: TOKENS,
    layout,
    stored: new Set([graph.output]),
    inPlace: false,
  } as const;
  const group = {
    kind: 'structured',
    anchors: [graph.output],
    epilogue: new Set<NodeId>(),
    stores: [],
    cached: false,
  } as const;
  return lowerCrossEntropy(context, group, graph.output, false)[0]!;
}
