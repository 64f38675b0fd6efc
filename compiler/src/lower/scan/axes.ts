/**
 * Which dimensions of a scan's body are the same index, and along which of them the recurrence falls into independent
 * slices: those that no reduction runs over and no reshape mixes with others.
 */
import type { NodeId } from '../../graph/graph.js';
import type { Dim, TensorType } from '../../graph/types.js';
import type { OpAttributes, ScanNode } from '../../ops/attributes.js';
import { REDUCTIONS } from '../../ops/attributes.js';
import { scanLeaf } from '../../ops/body.js';

const REDUCTION_NAMES: ReadonlySet<string> = new Set(REDUCTIONS);
export const isReduction = (node: ScanNode): boolean => REDUCTION_NAMES.has(node.op);

export const extentOf = (d: Dim): number => d.extent as number;

/** A set of dimensions, over all nodes, that always have the same index. */
export type AxisClass = number;

/** What a walk over tokens computes of each: next values of the states that it renews, and values that it yields. */
export interface Walk {
  readonly renews: readonly { readonly state: number; readonly node: NodeId }[];
  readonly yields: readonly NodeId[];
}

/** Walks that share nodes and states. */
export interface Walks<W extends Walk = Walk> {
  readonly nodes: readonly ScanNode[];
  /** What `scan_state` nodes read, whichever walk renews it. */
  readonly states: readonly TensorType[];
  readonly walks: readonly W[];
}

export class BodyAxes {
  readonly #parents: number[] = [];
  readonly #ids = new Map<string, number>();
  readonly #mixed = new Set<number>();
  readonly #extents: number[] = [];

  /** @param same pairs of states of the same dimensions that are sliced alike */
  constructor(
    readonly body: Walks,
    same: readonly (readonly [number, number])[] = [],
  ) {
    body.states.forEach((type, i) => type.dims.forEach((d) => this.#id(`state ${i} ${d.name}`, d)));
    for (const [a, b] of same) {
      for (const d of body.states[a]!.dims) {
        this.#unite(this.#id(`state ${a} ${d.name}`, d), this.#id(`state ${b} ${d.name}`, d));
      }
    }
    for (const node of body.nodes) this.#node(node);
    for (const { state, node } of body.walks.flatMap((walk) => walk.renews)) {
      for (const d of body.nodes[node]!.type.dims)
        this.#unite(this.#axis(node, d), this.#id(`state ${state} ${d.name}`, d));
    }
    for (const { id, type } of body.nodes) {
      const classes = type.dims.filter((d) => extentOf(d) > 1).map((d) => this.classOf(id, d));
      for (const c of classes) if (classes.indexOf(c) !== classes.lastIndexOf(c)) this.#mixed.add(c);
    }
  }

  /** The class of a node's dimension. */
  classOf(node: NodeId, d: Dim): AxisClass {
    return this.#find(this.#axis(node, d));
  }

  stateClass(state: number, d: Dim): AxisClass {
    return this.#find(this.#id(`state ${state} ${d.name}`, d));
  }

  /** Classes along which states and yielded values are independent, in the order of the first state's dimensions. */
  independent(): readonly { readonly class: AxisClass; readonly extent: number }[] {
    const { states, walks, nodes } = this.body;
    const yields = walks.flatMap((walk) => walk.yields);
    if (states.length === 0) return [];
    const mixed = new Set([...this.#mixed].map((c) => this.#find(c)));
    const inAll = (c: AxisClass): boolean =>
      states.every((type, i) => type.dims.some((d) => this.stateClass(i, d) === c)) &&
      yields.every((id) => nodes[id]!.type.dims.some((d) => this.classOf(id, d) === c));
    return states[0]!.dims
      .filter((d) => extentOf(d) > 1)
      .map((d) => ({ class: this.stateClass(0, d), extent: extentOf(d) }))
      .filter(({ class: c }) => !mixed.has(c) && inAll(c));
  }

  #node(node: ScanNode): void {
    const { body } = this;
    for (const d of node.type.dims) this.#axis(node.id, d);
    if (node.op === 'scan_state') {
      const { index } = scanLeaf(node);
      for (const d of node.type.dims) this.#unite(this.#axis(node.id, d), this.#id(`state ${index} ${d.name}`, d));
      return;
    }
    for (const input of node.inputs) {
      const from = body.nodes[input]!.type;
      if (node.op === 'reshape') {
        this.#reshape(input, from, node);
        continue;
      }
      const names = node.op === 'rename' ? (node.attributes as OpAttributes['rename']).names : {};
      for (const d of from.dims) {
        const to = node.type.dims.find((other) => other.name === (names[d.name] ?? d.name));
        if (to) this.#unite(this.#axis(input, d), this.#axis(node.id, to));
        else this.#mix(this.#axis(input, d));
      }
    }
  }

  #reshape(input: NodeId, from: TensorType, node: ScanNode): void {
    const kept = keptByReshape(from.dims, node.type.dims);
    for (const [a, b] of kept) this.#unite(this.#axis(input, a), this.#axis(node.id, b));
    for (const d of from.dims) if (!kept.some(([a]) => a === d)) this.#mix(this.#axis(input, d));
    for (const d of node.type.dims) if (!kept.some(([, b]) => b === d)) this.#mix(this.#axis(node.id, d));
  }

  #axis(node: NodeId, d: Dim): number {
    return this.#id(`${node} ${d.name}`, d);
  }
  #id(key: string, d: Dim): number {
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#parents.length;
      this.#ids.set(key, id);
      this.#parents.push(id);
      this.#extents.push(extentOf(d));
    }
    return id;
  }
  #find(id: number): number {
    while (this.#parents[id] !== id) id = this.#parents[id]!;
    return id;
  }
  #unite(a: number, b: number): void {
    this.#parents[this.#find(a)] = this.#find(b);
  }
  #mix(axis: number): void {
    if (this.#extents[axis]! > 1) this.#mixed.add(axis);
  }
}

/** Dimensions that a reshape leaves alone: those of equal extent and stride. */
export function keptByReshape(from: readonly Dim[], to: readonly Dim[]): readonly (readonly [Dim, Dim])[] {
  const strides = (dims: readonly Dim[]): Map<string, Dim> => {
    const found = new Map<string, Dim>();
    let stride = 1;
    for (const d of [...dims].reverse()) {
      if (extentOf(d) > 1) found.set(`${extentOf(d)} ${stride}`, d);
      stride *= extentOf(d);
    }
    return found;
  };
  const after = strides(to);
  return [...strides(from)].flatMap(([key, d]) => {
    const other = after.get(key);
    return other ? [[d, other] as const] : [];
  });
}
