/**
 * How a scan is laid out over workgroups, and in what order a token's values are computed: reductions whose results many
 * invocations need are written to workgroup memory; everything element-wise is computed where it is used.
 *
 * Per token: early reductions (of the states before the token), the new states, late reductions (of the new states),
 * the yielded value. What could be either is late, so that the new state is not computed twice.
 */
import type { NodeId } from '../../graph/graph.js';
import type { Dim } from '../../graph/types.js';
import type { OpAttributes, ScanBody, ScanNode } from '../../ops/attributes.js';
import { BodyAxes, extentOf, isReduction, keptByReshape } from './axes.js';
import type { AxisClass } from './axes.js';
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

export interface ScanPlan {
  readonly body: ScanBody;
  readonly axes: BodyAxes;
  readonly slices: readonly Slice[];
  /** Extent of a node's dimension within a workgroup. */
  local(node: NodeId, d: Dim): number;
  localState(state: number, d: Dim): number;
  readonly threads: number;
  /** Reductions whose results go to workgroup memory. */
  readonly shared: ReadonlySet<NodeId>;
  readonly early: readonly NodeId[];
  readonly late: readonly NodeId[];
  readonly yieldsLate: boolean;
  /** States are in workgroup memory while the sequence is walked; otherwise where they are kept. */
  readonly statesInWorkgroup: boolean;
  /** An invocation reads elements of states that another one renews. */
  readonly statesAreShared: boolean;
  /** New states must all be known before the first is stored. */
  readonly commitTogether: boolean;
}

const product = (numbers: readonly number[]): number => numbers.reduce((a, b) => a * b, 1);

export function planScan(body: ScanBody): ScanPlan {
  const axes = new BodyAxes(body);
  const needed = reachable(body);
  const candidates = body.nodes.filter((n) => needed.has(n.id) && isReduction(n) && reducedElements(body, n) > INLINE);
  const classes = axes.independent();
  const sizes = new Map(classes.map(({ class: c }) => [c, 1]));
  const at = (c: AxisClass, d: Dim): number => sizes.get(c) ?? extentOf(d);
  const local = (node: NodeId, d: Dim): number => at(axes.classOf(node, d), d);
  const localState = (state: number, d: Dim): number => at(axes.stateClass(state, d), d);
  const stateElements = (): number =>
    body.states.reduce((n, s, i) => n + product(s.dims.map((d) => localState(i, d))), 0);
  const elementsOf = (node: NodeId): number => product(body.nodes[node]!.type.dims.map((d) => local(node, d)));
  const resultElements = (): number => candidates.reduce((n, r) => n + elementsOf(r.id), 0);

  const limit = candidates.length > 0 ? JOINT : SEPARATE;
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
  const shared = new Set(resultElements() <= BUDGET ? candidates.map((n) => n.id) : []);
  const statesInWorkgroup = stateElements() + (shared.size > 0 ? resultElements() : 0) <= BUDGET;
  const order = orderOf(body, shared);
  const aligned = (root: NodeId, dims: readonly Dim[], stops: ReadonlySet<NodeId>) =>
    readsAligned(body, root, dims, stops);
  const nextReads = body.next.map((id, i) => aligned(id, body.states[i]!.dims, shared));
  const commitTogether = nextReads.some((reads, i) => reads.some((r) => r.state !== i || !r.aligned));
  const yielded = body.nodes[body.yields]!.type.dims;
  const stops = order.yieldsLate ? new Set([...shared, ...body.next]) : shared;
  const yieldReads = order.yieldsLate ? [] : aligned(body.yields, yielded, stops);
  const yieldsOwn = !order.yieldsLate || isAlignedWithNext(body, stops, shared);
  const reductionsRead = [...order.early, ...order.late].some((id) => readsStates(body, id, shared));
  const statesAreShared =
    reductionsRead ||
    nextReads.some((reads) => reads.some((r) => !r.aligned)) ||
    yieldReads.some((r) => !r.aligned) ||
    !yieldsOwn;
  const largest = Math.max(
    1,
    elementsOf(body.yields),
    ...body.states.map((s, i) => product(s.dims.map((d) => localState(i, d)))),
  );
  return {
    body,
    axes,
    slices: classes.map((c) => ({ ...c, size: sizes.get(c.class)! })),
    local,
    localState,
    threads: Math.min(256, Math.max(32, 2 ** Math.ceil(Math.log2(largest)))),
    shared,
    ...order,
    statesInWorkgroup,
    statesAreShared,
    commitTogether,
  };
}

/** The largest divisor of `extent` that is at most `size` and more than half of it. */
function largestDivisor(extent: number, size: number): number | undefined {
  for (let s = size; s > size / 2; s--) if (extent % s === 0) return s;
  return undefined;
}

export function reducedElements(body: ScanBody, node: ScanNode): number {
  const { dims } = node.attributes as OpAttributes['sum'];
  const from = body.nodes[node.inputs[0]!]!.type.dims;
  return product(from.filter((d) => dims.includes(d.name)).map(extentOf));
}

function reachable(body: ScanBody): ReadonlySet<NodeId> {
  const found = new Set<NodeId>();
  const visit = (id: NodeId): void => {
    if (found.has(id)) return;
    found.add(id);
    body.nodes[id]!.inputs.forEach(visit);
  };
  [...body.next, body.yields].forEach(visit);
  return found;
}

/** Visits what computing `root` reads inline: down to leaves, and to `stops`, which are reported but not entered. */
function visitInline(
  body: ScanBody,
  root: NodeId,
  stops: ReadonlySet<NodeId>,
  visit: (node: ScanNode, stopped: boolean) => void,
): void {
  const seen = new Set<NodeId>();
  const walk = (id: NodeId): void => {
    if (seen.has(id)) return;
    seen.add(id);
    const stopped = stops.has(id) && id !== root;
    visit(body.nodes[id]!, stopped);
    if (!stopped) body.nodes[id]!.inputs.forEach(walk);
  };
  walk(root);
}

function readsStates(body: ScanBody, root: NodeId, stops: ReadonlySet<NodeId>): boolean {
  let found = false;
  visitInline(body, root, stops, (node, stopped) => (found ||= !stopped && node.op === 'scan_state'));
  return found;
}

function orderOf(body: ScanBody, shared: ReadonlySet<NodeId>): Pick<ScanPlan, 'early' | 'late' | 'yieldsLate'> {
  const reductions = body.nodes.filter((n) => shared.has(n.id)).map((n) => n.id);
  const dependencies = (root: NodeId, stops: ReadonlySet<NodeId>): NodeId[] => {
    const found: NodeId[] = [];
    visitInline(body, root, stops, (node) => {
      if (shared.has(node.id) && node.id !== root) found.push(node.id);
    });
    return found;
  };
  const early = new Set<NodeId>();
  const makeEarly = (id: NodeId): void => {
    if (early.has(id)) return;
    early.add(id);
    dependencies(id, shared).forEach(makeEarly);
  };
  for (const next of body.next) {
    if (shared.has(next)) makeEarly(next);
    dependencies(next, shared).forEach(makeEarly);
  }
  const lateStops = new Set([...shared, ...body.next]);
  /** Can be computed of the new states alone. */
  const canBeLate = (root: NodeId): boolean => body.next.includes(root) || !readsStates(body, root, lateStops);
  for (const id of reductions) if (!early.has(id) && !canBeLate(id)) makeEarly(id);
  const yieldsLate = (shared.has(body.yields) && !early.has(body.yields)) || canBeLate(body.yields);
  if (!yieldsLate) {
    if (shared.has(body.yields)) makeEarly(body.yields);
    dependencies(body.yields, shared).forEach(makeEarly);
  }
  return {
    early: reductions.filter((id) => early.has(id)),
    late: reductions.filter((id) => !early.has(id)),
    yieldsLate,
  };
}

interface StateRead {
  readonly state: number;
  /** At the element that `root` is computed for, of a state with the same dimensions in the same order. */
  readonly aligned: boolean;
}

/** How `root`, computed element by element over `dims`, reads the states. */
function readsAligned(
  body: ScanBody,
  root: NodeId,
  dims: readonly Dim[],
  stops: ReadonlySet<NodeId>,
): readonly StateRead[] {
  const reads: StateRead[] = [];
  walkAligned(body, root, dims, (node, places) => {
    if (stops.has(node.id) && node.id !== root) return false;
    if (node.op === 'scan_state')
      reads.push({ state: scanLeaf(node).index, aligned: isAligned(node.type.dims, dims, places) });
    return true;
  });
  return reads;
}

/** Whether a late yielded value reads each new state at its own element only. */
function isAlignedWithNext(body: ScanBody, stops: ReadonlySet<NodeId>, shared: ReadonlySet<NodeId>): boolean {
  const dims = body.nodes[body.yields]!.type.dims;
  let aligned = true;
  walkAligned(body, body.yields, dims, (node, places) => {
    if (body.next.includes(node.id)) {
      aligned &&= isAligned(node.type.dims, dims, places);
      return false;
    }
    return !(stops.has(node.id) || shared.has(node.id)) || node.id === body.yields;
  });
  return aligned;
}

function isAligned(of: readonly Dim[], dims: readonly Dim[], places: ReadonlyMap<string, number>): boolean {
  return of.length === dims.length && of.every((d, i) => places.get(d.name) === i);
}

/** Walks down from `root`, telling which dimension of the root each dimension of a node is; `visit` says whether to go on. */
function walkAligned(
  body: ScanBody,
  root: NodeId,
  dims: readonly Dim[],
  visit: (node: ScanNode, places: ReadonlyMap<string, number>) => boolean,
): void {
  const seen = new Set<string>();
  const walk = (id: NodeId, places: ReadonlyMap<string, number>): void => {
    const node = body.nodes[id]!;
    const key = `${id} ${[...places].join(' ')}`;
    if (seen.has(key)) return;
    seen.add(key);
    if (!visit(node, places)) return;
    for (const input of node.inputs) {
      const from = body.nodes[input]!.type.dims;
      const entries = from.flatMap((d): [string, number][] => {
        const place = places.get(nameAfter(node, from, d) ?? '');
        return place === undefined ? [] : [[d.name, place]];
      });
      walk(input, new Map(entries));
    }
  };
  walk(root, new Map(dims.map((d, i) => [d.name, i])));
}

/** Name in the node's result of a dimension of its input; undefined where it is no dimension of the result. */
function nameAfter(node: ScanNode, from: readonly Dim[], d: Dim): string | undefined {
  if (node.op === 'reshape') return keptByReshape(from, node.type.dims).find(([a]) => a === d)?.[1].name;
  if (node.op === 'rename') return (node.attributes as OpAttributes['rename']).names[d.name] ?? d.name;
  return node.type.dims.some((other) => other.name === d.name) ? d.name : undefined;
}
