/**
 * How walks over tokens are laid out over workgroups, and in what order a token's values are computed: reductions whose
 * results many invocations need are written to workgroup memory; everything element-wise is computed where it is used.
 *
 * Per token: early reductions (of the states before the token), the new states, late reductions (of the new states),
 * the yielded values. What could be either is late, so that the new state is not computed twice.
 */
import type { NodeId } from '../../graph/graph.js';
import type { Dim } from '../../graph/types.js';
import type { OpAttributes, ScanBody, ScanNode } from '../../ops/attributes.js';
import { BodyAxes, extentOf, isReduction } from './axes.js';
import type { AxisClass, Walk, Walks } from './axes.js';
import { isAligned, nodesUnder, readsStates, visitInline, walkAligned } from './reads.js';
import { scanLeaf } from '../../ops/body.js';

/** Elements in workgroup memory: states and results of reductions (12 of 16 KiB). */
const BUDGET = 3072;
/** State elements of a workgroup where reductions make its invocations work together, and where they do not. */
const JOINT = 2048;
const SEPARATE = 128;
/** Reductions over at most so many elements are computed by whoever needs the result. */
const INLINE = 4;

export interface Slice {
  readonly class: AxisClass;
  readonly extent: number;
  /** Indices in a workgroup; the last workgroup may have fewer. */
  readonly size: number;
}

/** What all walks of a workgroup have in common. */
export interface ScanLayout {
  readonly nodes: readonly ScanNode[];
  readonly states: Walks['states'];
  readonly axes: BodyAxes;
  readonly slices: readonly Slice[];
  /** Extent of a node's dimension within a workgroup. */
  local(node: NodeId, d: Dim): number;
  localState(state: number, d: Dim): number;
  readonly threads: number;
  /** States are in workgroup memory while they are renewed; otherwise where they are kept. */
  readonly statesInWorkgroup: boolean;
}

export interface ScanPlan extends ScanLayout {
  readonly walk: Walk;
  /** Nodes that the walk computes. */
  readonly needed: ReadonlySet<NodeId>;
  /** Reductions whose results go to workgroup memory. */
  readonly shared: ReadonlySet<NodeId>;
  readonly early: readonly NodeId[];
  readonly late: readonly NodeId[];
  /** Indices of the yielded values that are computed before and after the states are renewed. */
  readonly earlyYields: readonly number[];
  readonly lateYields: readonly number[];
  /** An invocation reads elements of states that another one renews. */
  readonly statesAreShared: boolean;
  /** New states must all be known before the first is stored. */
  readonly commitTogether: boolean;
}

const product = (numbers: readonly number[]): number => numbers.reduce((a, b) => a * b, 1);

/** The one walk of a forward pass. */
export function walkOf({ nodes, states, next, yields }: ScanBody): Walks {
  return { nodes, states, walks: [{ renews: next.map((node, state) => ({ state, node })), yields: [yields] }] };
}

export function planScan(body: ScanBody): ScanPlan {
  return planWalks(walkOf(body))[0]!;
}

/**
 * A plan for each walk; they are sliced alike.
 * @param same pairs of states that are sliced alike besides
 */
export function planWalks(body: Walks, same: readonly (readonly [number, number])[] = []): readonly ScanPlan[] {
  const { nodes, states, walks } = body;
  const axes = new BodyAxes(body, same);
  const needed = walks.map((walk) => nodesUnder(nodes, [...walk.renews.map((r) => r.node), ...walk.yields]));
  const candidates = needed.map((own) =>
    nodes.filter((n) => own.has(n.id) && isReduction(n) && reducedElements(nodes, n) > INLINE),
  );
  const all = candidates.flat();
  const classes = axes.independent();
  const sizes = new Map(classes.map(({ class: c }) => [c, 1]));
  const at = (c: AxisClass, d: Dim): number => sizes.get(c) ?? extentOf(d);
  const local = (node: NodeId, d: Dim): number => at(axes.classOf(node, d), d);
  const localState = (state: number, d: Dim): number => at(axes.stateClass(state, d), d);
  const stateElements = (): number => states.reduce((n, s, i) => n + product(s.dims.map((d) => localState(i, d))), 0);
  const elementsOf = (node: NodeId): number => product(nodes[node]!.type.dims.map((d) => local(node, d)));
  const resultElements = (): number => all.reduce((n, r) => n + elementsOf(r.id), 0);

  const limit = walks.length * (all.length > 0 ? JOINT : SEPARATE);
  for (const { class: c, extent } of [...classes].reverse()) {
    const fits = (size: number): boolean => {
      sizes.set(c, size);
      return stateElements() <= limit && stateElements() + resultElements() <= BUDGET;
    };
    let size = 1;
    while (size < extent && fits(Math.min(2 * size, extent))) size = Math.min(2 * size, extent);
    if (size < extent) size = largestDivisor(extent, size) ?? size;
    sizes.set(c, size);
    if (size < extent) break;
  }

  // What does not fit is computed by whoever needs it, however often.
  const sharing = resultElements() <= BUDGET;
  const largest = Math.max(
    1,
    ...walks.flatMap((walk) => walk.yields.map(elementsOf)),
    ...states.map((s, i) => product(s.dims.map((d) => localState(i, d)))),
  );
  const layout: ScanLayout = {
    nodes,
    states,
    axes,
    slices: classes.map((c) => ({ ...c, size: sizes.get(c.class)! })),
    local,
    localState,
    threads: Math.min(256, Math.max(32, 2 ** Math.ceil(Math.log2(largest)))),
    statesInWorkgroup: stateElements() + (sharing ? resultElements() : 0) <= BUDGET,
  };
  return walks.map((walk, i) => {
    const shared = new Set(sharing ? candidates[i]!.map((n) => n.id) : []);
    const order = orderOf(nodes, walk, shared);
    return { ...layout, walk, needed: needed[i]!, shared, ...order, ...sharingOf(body, walk, shared, order) };
  });
}

/** The largest divisor of `extent` that is at most `size` and more than half of it. */
function largestDivisor(extent: number, size: number): number | undefined {
  for (let s = size; s > size / 2; s--) if (extent % s === 0) return s;
  return undefined;
}

export function reducedElements(nodes: readonly ScanNode[], node: ScanNode): number {
  const { dims } = node.attributes as OpAttributes['sum'];
  const from = nodes[node.inputs[0]!]!.type.dims;
  return product(from.filter((d) => dims.includes(d.name)).map(extentOf));
}

type Order = Pick<ScanPlan, 'early' | 'late' | 'earlyYields' | 'lateYields'>;

function orderOf(nodes: readonly ScanNode[], walk: Walk, shared: ReadonlySet<NodeId>): Order {
  const reductions = nodes.filter((n) => shared.has(n.id)).map((n) => n.id);
  const renewed = new Set(walk.renews.map((r) => r.state));
  const next = walk.renews.map((r) => r.node);
  const dependencies = (root: NodeId): NodeId[] => {
    const found: NodeId[] = [];
    visitInline(nodes, root, shared, (node) => {
      if (shared.has(node.id) && node.id !== root) found.push(node.id);
    });
    return found;
  };
  const early = new Set<NodeId>();
  const makeEarly = (id: NodeId): void => {
    if (early.has(id)) return;
    early.add(id);
    dependencies(id).forEach(makeEarly);
  };
  for (const id of next) {
    if (shared.has(id)) makeEarly(id);
    dependencies(id).forEach(makeEarly);
  }
  const lateStops = new Set([...shared, ...next]);
  /** Can be computed of the new states alone. */
  const canBeLate = (root: NodeId): boolean => next.includes(root) || !readsStates(nodes, root, lateStops, renewed);
  for (const id of reductions) if (!early.has(id) && !canBeLate(id)) makeEarly(id);
  const late: number[] = [];
  walk.yields.forEach((root, i) => {
    if ((shared.has(root) && !early.has(root)) || canBeLate(root)) {
      late.push(i);
      return;
    }
    if (shared.has(root)) makeEarly(root);
    dependencies(root).forEach(makeEarly);
  });
  return {
    early: reductions.filter((id) => early.has(id)),
    late: reductions.filter((id) => !early.has(id)),
    earlyYields: walk.yields.flatMap((_, i) => (late.includes(i) ? [] : [i])),
    lateYields: late,
  };
}

function sharingOf(
  { nodes, states }: Walks,
  walk: Walk,
  shared: ReadonlySet<NodeId>,
  order: Order,
): Pick<ScanPlan, 'statesAreShared' | 'commitTogether'> {
  const next = walk.renews.map((r) => r.node);
  const renewed = new Set(walk.renews.map((r) => r.state));
  const readsOf = (root: NodeId, dims: readonly Dim[], stops: ReadonlySet<NodeId>): readonly StateRead[] =>
    readsAligned(nodes, root, dims, stops, renewed);
  const nextReads = walk.renews.map((r) => ({ ...r, reads: readsOf(r.node, states[r.state]!.dims, shared) }));
  const commitTogether = nextReads.some(({ state, reads }) => reads.some((r) => r.state !== state || !r.aligned));
  const yieldReads = order.earlyYields.flatMap((i) => {
    const root = walk.yields[i]!;
    return readsOf(root, nodes[root]!.type.dims, shared);
  });
  const stops = new Set([...shared, ...next]);
  const yieldsOwn = order.lateYields.every((i) => isAlignedWithNext(nodes, walk.yields[i]!, next, stops));
  const reductionsRead = [...order.early, ...order.late].some((id) => readsStates(nodes, id, shared, renewed));
  const statesAreShared =
    reductionsRead ||
    nextReads.some(({ reads }) => reads.some((r) => !r.aligned)) ||
    yieldReads.some((r) => !r.aligned) ||
    !yieldsOwn;
  return { statesAreShared, commitTogether };
}

interface StateRead {
  readonly state: number;
  /** At the element that `root` is computed for, of a state with the same dimensions in the same order. */
  readonly aligned: boolean;
}

/** How `root`, computed element by element over `dims`, reads the renewed states. */
function readsAligned(
  nodes: readonly ScanNode[],
  root: NodeId,
  dims: readonly Dim[],
  stops: ReadonlySet<NodeId>,
  renewed: ReadonlySet<number>,
): readonly StateRead[] {
  const reads: StateRead[] = [];
  walkAligned(nodes, root, dims, (node, places) => {
    if (stops.has(node.id) && node.id !== root) return false;
    if (node.op === 'scan_state' && renewed.has(scanLeaf(node).index))
      reads.push({ state: scanLeaf(node).index, aligned: isAligned(node.type.dims, dims, places) });
    return true;
  });
  return reads;
}

/** Whether a late yielded value reads each new state at its own element only. */
function isAlignedWithNext(
  nodes: readonly ScanNode[],
  root: NodeId,
  next: readonly NodeId[],
  stops: ReadonlySet<NodeId>,
): boolean {
  const dims = nodes[root]!.type.dims;
  let aligned = true;
  walkAligned(nodes, root, dims, (node, places) => {
    if (next.includes(node.id)) {
      aligned &&= isAligned(node.type.dims, dims, places);
      return false;
    }
    return !stops.has(node.id) || node.id === root;
  });
  return aligned;
}
