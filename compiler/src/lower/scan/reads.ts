/** What computing a node of a scan's body reads, and at which places. */
import type { NodeId } from '../../graph/graph.js';
import type { Dim } from '../../graph/types.js';
import type { OpAttributes, ScanNode } from '../../ops/attributes.js';
import { scanLeaf } from '../../ops/body.js';
import { keptByReshape } from './axes.js';

/** The roots and all that they depend on. */
export function nodesUnder(nodes: readonly ScanNode[], roots: readonly NodeId[]): ReadonlySet<NodeId> {
  const found = new Set<NodeId>();
  const visit = (id: NodeId): void => {
    if (found.has(id)) return;
    found.add(id);
    nodes[id]!.inputs.forEach(visit);
  };
  roots.forEach(visit);
  return found;
}

/** Visits what computing `root` reads inline: down to leaves, and to `stops`, which are reported but not entered. */
export function visitInline(
  nodes: readonly ScanNode[],
  root: NodeId,
  stops: ReadonlySet<NodeId>,
  visit: (node: ScanNode, stopped: boolean) => void,
): void {
  const seen = new Set<NodeId>();
  const walk = (id: NodeId): void => {
    if (seen.has(id)) return;
    seen.add(id);
    const stopped = stops.has(id) && id !== root;
    visit(nodes[id]!, stopped);
    if (!stopped) nodes[id]!.inputs.forEach(walk);
  };
  walk(root);
}

/** Whether `root` reads any of the states `of`. */
export function readsStates(
  nodes: readonly ScanNode[],
  root: NodeId,
  stops: ReadonlySet<NodeId>,
  of: ReadonlySet<number>,
): boolean {
  let found = false;
  visitInline(nodes, root, stops, (node, stopped) => {
    found ||= !stopped && node.op === 'scan_state' && of.has(scanLeaf(node).index);
  });
  return found;
}

export function isAligned(of: readonly Dim[], dims: readonly Dim[], places: ReadonlyMap<string, number>): boolean {
  return of.length === dims.length && of.every((d, i) => places.get(d.name) === i);
}

/** Walks down from `root`, telling which dimension of the root each dimension of a node is; `visit` says whether to go on. */
export function walkAligned(
  nodes: readonly ScanNode[],
  root: NodeId,
  dims: readonly Dim[],
  visit: (node: ScanNode, places: ReadonlyMap<string, number>) => boolean,
): void {
  const seen = new Set<string>();
  const walk = (id: NodeId, places: ReadonlyMap<string, number>): void => {
    const node = nodes[id]!;
    const key = `${id} ${[...places].join(' ')}`;
    if (seen.has(key)) return;
    seen.add(key);
    if (!visit(node, places)) return;
    for (const input of node.inputs) {
      const from = nodes[input]!.type.dims;
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
