/**
 * The two walks of a scan's gradient, over nodes that they share: forwards through a chunk of tokens, to have the states before
 * each of them again, and backwards, where the gradients of the states are what is renewed.
 */
import type { Graph, GraphNode } from '../../../graph/graph.js';
import { hasTime } from '../../../graph/types.js';
import type { TensorType } from '../../../graph/types.js';
import { adjointOf } from '../../../ops/backward/adjoint.js';
import type { Dim } from '../../../graph/types.js';
import type { LoweringContext } from '../../scope.js';
import { extentOf } from '../axes.js';
import { planWalks } from '../plan.js';
import type { ScanPlan } from '../plan.js';

export type GradientContext = LoweringContext<'scan_gradient'>;

/** Tokens whose states are computed again and kept at a time: a tile of the batch's tables. */
export const CHUNK = 32;

/** A gradient that the walk backwards yields at each token: that of a read of an outer value. */
export interface Read {
  readonly outer: number;
  readonly offset: number;
  readonly timed: boolean;
  readonly dims: readonly Dim[];
  readonly elements: number;
  /** First of its elements among those of all reads over time, or of all without. */
  readonly start: number;
}

export interface Joint {
  /** States of the body; the gradient of state `i` is state `count + i` of the walks. */
  readonly count: number;
  readonly stateTypes: readonly TensorType[];
  /** First element of each state among all of them, and their number. */
  readonly stateStarts: readonly number[];
  readonly stateElements: number;
  readonly forward: ScanPlan;
  readonly backward: ScanPlan;
  /** By index of the yielded value. */
  readonly reads: readonly Read[];
  /** Elements of all reads over time (of a token) and of those without time. */
  readonly timedElements: number;
  readonly fixedElements: number;
  outerType(index: number): TensorType;
}

export const sizeOf = (dims: readonly Dim[]): number => dims.reduce((n, d) => n * extentOf(d), 1);

const known = new WeakMap<GraphNode, Joint>();

/** Planned once for all kernels of a group. */
export function jointOf({ graph, node, nodes }: GradientContext): Joint {
  let joint = known.get(node);
  if (!joint) known.set(node, (joint = planJoint(graph, node, new Set(nodes.map((n) => n.attributes.of)))));
  return joint;
}

function planJoint(graph: Graph, node: GraphNode<'scan_gradient'>, wanted: ReadonlySet<number>): Joint {
  const { body } = node.attributes;
  const types = node.inputs.map((i) => graph.nodes[i]!.type);
  const count = body.states.length;
  const adjoint = adjointOf(body, types.slice(count, -1));
  const kept = adjoint.reads.filter((read) => wanted.has(count + read.index));
  const [forward, backward] = planWalks(
    {
      nodes: adjoint.nodes,
      states: [...body.states, ...body.states],
      walks: [
        { renews: adjoint.next.map((next, state) => ({ state, node: next })), yields: [] },
        {
          renews: adjoint.states.map((before, i) => ({ state: count + i, node: before })),
          yields: kept.map((read) => read.node),
        },
      ],
    },
    body.states.map((_, i) => [i, count + i]),
  ) as [ScanPlan, ScanPlan];
  const ends = { timed: 0, fixed: 0 };
  const reads = kept.map((read): Read => {
    const timed = hasTime(types[count + read.index]!);
    const { dims } = adjoint.nodes[read.node]!.type;
    const elements = sizeOf(dims);
    const start = timed ? ends.timed : ends.fixed;
    ends[timed ? 'timed' : 'fixed'] += elements;
    return { outer: read.index, offset: read.offset, timed, dims, elements, start };
  });
  let stateElements = 0;
  const stateStarts = body.states.map(({ dims }) => (stateElements += sizeOf(dims)) - sizeOf(dims));
  return {
    count,
    stateTypes: body.states,
    stateStarts,
    stateElements,
    forward,
    backward,
    reads,
    timedElements: ends.timed,
    fixedElements: ends.fixed,
    outerType: (index) => types[count + index]!,
  };
}
