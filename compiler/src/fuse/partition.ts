/**
 * Fusion: which nodes of a graph are computed together. Greedy, in one pass in topological order:
 *
 * - linears that read the same value become one matrix product;
 * - an element-wise node joins the epilogue of the last anchor it depends on, if it walks that anchor's elements one by
 *   one and everything else it needs exists before;
 * - what is left stays inline: consumers compute it in their prologue. In decode a linear also computes the row
 *   reductions of its prologue (a norm); elsewhere, reductions and a matrix product's input get a row-wise kernel;
 * - in decode, a product whose rows are keys and values rotates them and writes them to the cache.
 *
 * Unfused, every node is a kernel of its own: the program that fusion is checked against.
 */
import type { Graph, GraphNode, NodeId } from '../graph/graph.js';
import type { Mode } from '../lower/call.js';
import { fusionClass, reducesTime } from './classes.js';
import type { FusionClass } from './classes.js';
import type { CacheWrite, Group, RowPairs, StructuredGroup } from './group.js';
import { consumersOf, hasMatrix, linearSets } from './linear-groups.js';
import type { LinearSet } from './linear-groups.js';
import { rowDims } from './position.js';
import { contentKey } from '../graph/key.js';
import type { OpName } from '../ops/attributes.js';
import type { TensorType } from '../graph/types.js';
import { elementsPerToken, hasTime } from '../graph/types.js';

export interface PartitionOptions {
  readonly mode: Mode;
  readonly fused: boolean;
  /** Whether products may rotate and write the caches of attention; default yes. It takes buffers that may not be left. */
  readonly cacheWrites?: boolean;
  /** Nodes whose values leave the graph besides its output. */
  readonly roots?: readonly NodeId[];
  /** Which linears are one matrix; by default what the graph itself says. Backward graphs go by the forward graph. */
  readonly sets?: readonly LinearSet[];
  /** Anchors whose groups have no epilogue. */
  readonly bare?: ReadonlySet<NodeId>;
}

interface Draft {
  readonly kind: Group['kind'];
  readonly anchors: readonly NodeId[];
  readonly interleave: number;
  readonly epilogue: Set<NodeId>;
  readonly produces: Set<NodeId>;
  readonly reductions: Set<NodeId>;
  /** Buffers that its epilogue reads. */
  readonly reads: Set<NodeId | string>;
  /** Anchors of which something is computed in the epilogue. */
  readonly finished: Set<NodeId>;
  readonly cacheWrites: CacheWrite[];
  rowPairs?: RowPairs;
}

export function partition(graph: Graph, options: PartitionOptions): readonly Group[] {
  return options.fused ? new Partition(graph, options).run() : unfused(graph);
}

const same = (a: TensorType, b: TensorType): boolean => {
  const key = (t: TensorType): string =>
    rowDims(t)
      .map((d) => `${d.name}:${d.extent}`)
      .sort()
      .join();
  return hasTime(a) === hasTime(b) && key(a) === key(b);
};

class Partition {
  readonly #drafts: Draft[] = [];
  /** Group whose kernel computes the node's value (as anchor, in its epilogue, or as a row-wise result). */
  readonly #home = new Map<NodeId, number>();
  /** Groups that a node's value depends on. */
  readonly #depends: ReadonlySet<number>[] = [];
  readonly #sets: readonly LinearSet[];
  readonly #consumers: readonly (readonly NodeId[])[];
  readonly #cached = new Set<NodeId>();
  readonly #roots: readonly NodeId[];
  readonly mode: Mode;

  constructor(
    readonly graph: Graph,
    readonly options: PartitionOptions,
  ) {
    this.mode = options.mode;
    this.#sets = options.sets ?? linearSets(graph, true);
    this.#roots = [...new Set([...(options.roots ?? []), graph.output])];
    this.#consumers = consumersOf(graph);
  }

  run(): readonly Group[] {
    for (const node of this.graph.nodes) {
      this.#depends.push(new Set(node.inputs.flatMap((i) => [...this.#depends[i]!])));
      const kind = nodeClass(this.graph, node);
      if (kind === 'anchor') this.#anchor(node.id);
      else if (kind === 'element') this.#tryEpilogue(node.id);
      else if (node.op === 'rope' && this.mode === 'decode') this.#tryRotation(node as GraphNode<'rope'>);
    }
    for (const root of this.#roots) if (!this.#isHeld(root)) this.#rowwise(root);
    return this.#finish();
  }

  #anchor(id: NodeId): void {
    const node = this.graph.nodes[id]!;
    if (node.op === 'conv1d' && this.mode === 'decode' && this.#tryEpilogue(id)) return;
    const set = this.#sets.find((s) => s.anchors.includes(id));
    if (this.#home.has(id)) {
      this.#depends[id] = new Set([...this.#depends[id]!, this.#home.get(id)!]);
      return;
    }
    const reductions = new Set<NodeId>();
    if (this.mode === 'train') for (const input of node.inputs) this.#limitBuffers(input);
    if (node.op === 'linear') {
      const input = node.inputs[0]!;
      if (this.mode === 'decode') this.#collectReductions(input, reductions);
      else if (!this.#isStored(input)) this.#rowwise(input);
    } else if (READS_BUFFERS.has(node.op)) {
      for (const input of node.inputs) {
        if (fusionClass(this.graph.nodes[input]!.op) !== 'source' && !this.#isStored(input)) this.#rowwise(input);
      }
    } else if (node.op !== 'embed') {
      const cached = node.op === 'attend' && this.#tryCacheWrites(node);
      for (const input of cached ? node.inputs.slice(0, 1) : node.inputs) this.#storeReductions(input);
    }
    const anchors = set?.anchors ?? siblings(this.graph, node);
    this.#draft({
      kind: node.op === 'linear' ? 'linear' : 'structured',
      anchors,
      interleave: set?.interleave ?? 1,
      epilogue: new Set(),
      produces: new Set(anchors),
      reductions,
      cacheWrites: [],
      reads: new Set(),
      finished: new Set(),
    });
  }

  /** Whether products make the keys and the values, so that they can write them to the cache. */
  #tryCacheWrites(attend: GraphNode): boolean {
    if (this.mode !== 'decode' || this.options.cacheWrites === false) return false;
    const writes = (['key', 'value'] as const).map((name, i) => ({
      source: attend.inputs[i + 1]!,
      attend: attend.id,
      name,
    }));
    const makers = writes.map(({ source }) => this.#drafts[this.#home.get(source) ?? -1]);
    if (!makers.every((draft) => draft?.kind === 'linear')) return false;
    makers.forEach((draft, i) => draft!.cacheWrites.push(writes[i]!));
    this.#cached.add(attend.id);
    return true;
  }

  /** A rotation joins the epilogue of a product if an invocation can have both rows of each pair. */
  #tryRotation(node: GraphNode<'rope'>): void {
    const draft = this.#drafts[this.#home.get(node.inputs[0]!) ?? -1];
    if (this.options.cacheWrites === false || draft?.kind !== 'linear' || draft.interleave !== 1) return;
    const block = rowDims(node.type).at(-1)!.extent;
    const { frequencies, pairing } = node.attributes;
    const wanted: RowPairs = { block, pairs: frequencies.length, pairing };
    const known = draft.rowPairs ?? wanted;
    if (known.block !== block || known.pairs !== wanted.pairs || known.pairing !== pairing || block % 2 !== 0) return;
    const rowsOf = (id: NodeId): number =>
      (this.graph.nodes[id] as GraphNode<'linear'>).attributes.out.reduce((n, d) => n * (d.extent as number), 1);
    if (draft.anchors.some((a) => rowsOf(a) % block !== 0)) return;
    // From the product to here all is element by element, over the same dimensions.
    for (let id = node.inputs[0]!; !draft.anchors.includes(id);) {
      const inside = this.graph.nodes[id]!.inputs.filter((i) => this.#home.get(i) === this.#home.get(id));
      if (inside.length !== 1 || !same(this.graph.nodes[id]!.type, this.graph.nodes[inside[0]!]!.type)) return;
      if (fusionClass(this.graph.nodes[id]!.op) !== 'element') return;
      id = inside[0]!;
    }
    if (this.#tryEpilogue(node.id)) draft.rowPairs = wanted;
  }

  #draft(draft: Draft): number {
    const index = this.#drafts.push(draft) - 1;
    for (const id of draft.produces) {
      this.#home.set(id, index);
      if (this.#depends[id]) this.#depends[id] = new Set([...this.#depends[id], index]);
    }
    return index;
  }

  /** A value that can be read from a buffer as it is: another group's, the input, or these under other dimensions. */
  #isStored(id: NodeId): boolean {
    const node = this.graph.nodes[id]!;
    if (this.#isHeld(id)) return true;
    return (node.op === 'reshape' || node.op === 'rename') && this.#isStored(node.inputs[0]!);
  }

  /** A value that a group computes or that is there from the start. */
  #isHeld(id: NodeId): boolean {
    return this.#home.has(id) || fusionClass(this.graph.nodes[id]!.op) === 'input';
  }

  #collectReductions(id: NodeId, into: Set<NodeId>): void {
    const node = this.graph.nodes[id]!;
    if (this.#home.has(id) || fusionClass(node.op) === 'source') return;
    for (const input of node.inputs) this.#collectReductions(input, into);
    if (fusionClass(node.op) === 'reduction') into.add(id);
  }

  /** Buffers that computing a value inside a kernel reads: values of other groups, and tables by their names. */
  #buffersOf(id: NodeId): ReadonlySet<NodeId | string> {
    const buffers = new Set<NodeId | string>();
    const seen = new Set<NodeId>();
    const visit = (at: NodeId): void => {
      if (seen.has(at)) return;
      seen.add(at);
      const node = this.graph.nodes[at]!;
      if (this.#isHeld(at)) buffers.add(at);
      else if (fusionClass(node.op) === 'source') {
        if (node.op !== 'constant') buffers.add('vectors');
      } else {
        if (node.op === 'position' || node.op === 'rope') buffers.add('tokens');
        if (node.op === 'rope') buffers.add('angles');
        node.inputs.forEach(visit);
      }
    };
    visit(id);
    return buffers;
  }

  /**
   * Stores intermediate values until computing this one reads few buffers: a device binds eight, and gradients of a whole block
   * can meet in one expression.
   */
  #limitBuffers(id: NodeId): void {
    while (!this.#isHeld(id) && this.#buffersOf(id).size > MOST_BUFFERS) {
      const inputs = this.graph.nodes[id]!.inputs.filter((i) => !this.#isHeld(i) && !this.#isSource(i));
      const sizes = inputs.map((i) => this.#buffersOf(i).size);
      const widest = inputs[sizes.indexOf(Math.max(...sizes))];
      if (widest === undefined) return;
      this.#limitBuffers(widest);
      // A node that adds nothing passes the question on to its inputs; what is read there is stored in one.
      if (this.#buffersOf(id).size > MOST_BUFFERS) this.#rowwise(widest);
    }
  }

  #isSource(id: NodeId): boolean {
    return fusionClass(this.graph.nodes[id]!.op) === 'source';
  }

  /** Groups whose values are read where this one is computed; they may have come after the nodes in between were seen. */
  #readsGroups(id: NodeId): ReadonlySet<number> {
    const groups = new Set<number>(this.#depends[id]);
    const seen = new Set<NodeId>();
    const visit = (at: NodeId): void => {
      if (seen.has(at)) return;
      seen.add(at);
      const home = this.#home.get(at);
      if (home !== undefined) groups.add(home);
      else this.graph.nodes[at]!.inputs.forEach(visit);
    };
    visit(id);
    return groups;
  }

  /** Gives every reduction that `id` would compute inline a row-wise kernel. */
  #storeReductions(id: NodeId): void {
    const found = new Set<NodeId>();
    this.#collectReductions(id, found);
    // All in one kernel, inner ones included: whoever reads a variance reads the mean as well.
    for (const r of [...found].sort((a, b) => a - b)) this.#rowwise(r);
  }

  #rowwise(id: NodeId): void {
    if (this.mode === 'train') this.#limitBuffers(id);
    const reductions = new Set<NodeId>();
    this.#collectReductions(id, reductions);
    const depends = this.#readsGroups(id);
    // Independent results of the same kind of row share a kernel: the statistics of queries and keys, say.
    const mergeable = this.#drafts.findIndex(
      (d, i) =>
        d.kind === 'rowwise' &&
        [...depends].every((g) => g < i) &&
        hasTime(this.graph.nodes[[...d.produces][0]!]!.type) === hasTime(this.graph.nodes[id]!.type),
    );
    if (mergeable >= 0) {
      const draft = this.#drafts[mergeable]!;
      draft.produces.add(id);
      for (const r of reductions) draft.reductions.add(r);
      this.#home.set(id, mergeable);
      this.#depends[id] = new Set([...depends, mergeable]);
      return;
    }
    this.#draft({
      kind: 'rowwise',
      anchors: [],
      interleave: 1,
      epilogue: new Set(),
      produces: new Set([id]),
      reductions,
      cacheWrites: [],
      reads: new Set(),
      finished: new Set(),
    });
  }

  #tryEpilogue(id: NodeId): boolean {
    const node = this.graph.nodes[id]!;
    // What only a reduction reads (the square inside a norm) is cheaper to compute again than to store.
    const readers = this.#consumers[id]!;
    if (readers.length > 0 && readers.every((r) => fusionClass(this.graph.nodes[r]!.op) === 'reduction')) return false;
    const last = Math.max(-1, ...this.#readsGroups(id));
    const draft = this.#drafts[last];
    if (!draft || draft.kind === 'rowwise') return false;
    if (draft.anchors.some((a) => WITHOUT_EPILOGUE.has(this.graph.nodes[a]!.op) || this.options.bare?.has(a)))
      return false;
    const chained = node.inputs.filter((i) => this.#home.get(i) === last);
    if (chained.length === 0) return false;
    if (node.op === 'conv1d' && (chained.length !== 1 || chained[0] !== node.inputs[0])) return false;
    const origins = new Set(chained.map((i) => this.#originIn(draft, i)));
    if (origins.size > 1 && draft.interleave === 1) return false;
    for (const input of node.inputs) {
      if (this.#home.get(input) === last) {
        const sameElements = elementsPerToken(node.type) === elementsPerToken(this.graph.nodes[input]!.type);
        const view = node.op === 'reshape' || node.op === 'rename' || node.op === 'transpose';
        if (!sameElements || !(view || same(node.type, this.graph.nodes[input]!.type))) return false;
      } else {
        if ([...this.#readsGroups(input)].some((g) => g >= last)) return false;
        const reductions = new Set<NodeId>();
        this.#collectReductions(input, reductions);
        if (reductions.size > 0) return false;
      }
    }
    // The output is written over the stream's buffer, so a kernel whose prologue reads the stream cannot write it.
    if (this.mode !== 'train' && id === this.graph.output && draft.anchors.some((a) => this.#readsStream(a)))
      return false;
    if (this.mode === 'train' && !this.#fitsEpilogue(draft, node, last)) return false;
    draft.epilogue.add(id);
    draft.produces.add(id);
    this.#home.set(id, last);
    return true;
  }

  /** Whether what an epilogue reads leaves room for what the group itself binds and stores. */
  #fitsEpilogue(draft: Draft, node: GraphNode, home: number): boolean {
    const all = new Set(draft.reads);
    for (const input of node.inputs) {
      if (this.#home.get(input) !== home) for (const buffer of this.#buffersOf(input)) all.add(buffer);
    }
    const several = draft.anchors.some((a) => Object.hasOwn(this.graph.nodes[a]!.attributes, 'of'));
    if (all.size > (several ? 0 : EPILOGUE_BUFFERS)) return false;
    if (draft.kind === 'linear') {
      const chained = node.inputs.find((i) => this.#home.get(i) === home)!;
      const finished = new Set([...draft.finished, this.#originIn(draft, chained)]);
      // An anchor is stored if it is kept, and what comes of it in the epilogue.
      const stores = draft.anchors.map((a) => (this.#roots.includes(a) ? 1 : 0) + (finished.has(a) ? 1 : 0));
      const stored = stores.reduce<number>((n, count) => n + Math.max(1, count), 0);
      if (stored + all.size > PRODUCT_BUFFERS) return false;
      for (const origin of finished) draft.finished.add(origin);
    }
    for (const buffer of all) draft.reads.add(buffer);
    return true;
  }

  #originIn(draft: Draft, id: NodeId): NodeId {
    if (draft.anchors.includes(id)) return id;
    const inside = this.graph.nodes[id]!.inputs.filter((i) => this.#home.get(i) === this.#home.get(id));
    return this.#originIn(draft, inside[0]!);
  }

  #readsStream(id: NodeId): boolean {
    const visit = (i: NodeId): boolean => {
      const node = this.graph.nodes[i]!;
      if (node.op === 'input') return (node as GraphNode<'input'>).attributes.name === 'x';
      return !this.#home.has(i) && node.inputs.some(visit);
    };
    return this.graph.nodes[id]!.inputs.some(visit);
  }

  /** Marks what crosses between groups and drops what nobody needs. */
  #finish(): readonly Group[] {
    const { graph } = this;
    const stored = new Set<NodeId>(this.#roots);
    const groups: Group[] = [];
    for (let g = this.#drafts.length - 1; g >= 0; g--) {
      const draft = this.#drafts[g]!;
      const results = [...draft.produces].filter((id) => stored.has(id));
      const seen = new Set<NodeId>();
      const visit = (id: NodeId, inside: boolean): void => {
        const home = this.#home.get(id);
        if (home !== undefined && home < g) {
          stored.add(id);
          return;
        }
        // What a later group stores for others is computed again here.
        if (!inside && home === g) return;
        if (seen.has(id)) return;
        seen.add(id);
        const { inputs } = graph.nodes[id]!;
        for (const input of this.#cached.has(id) ? inputs.slice(0, 1) : inputs) visit(input, true);
      };
      for (const id of [...draft.anchors, ...draft.epilogue, ...draft.reductions, ...results]) visit(id, true);
      const stores = results.sort((a, b) => a - b);
      const base = { epilogue: draft.epilogue, stores };
      const reductions = [...draft.reductions]
        .filter((r) => !draft.produces.has(r) || draft.kind === 'rowwise')
        .sort((a, b) => a - b);
      switch (draft.kind) {
        case 'linear':
          groups.unshift({
            kind: 'linear',
            anchors: draft.anchors,
            interleave: draft.interleave,
            reductions,
            cacheWrites: draft.cacheWrites,
            ...(draft.rowPairs ? { rowPairs: draft.rowPairs } : {}),
            ...base,
          });
          break;
        case 'structured': {
          const anchors = draft.anchors as StructuredGroup['anchors'];
          groups.unshift({ kind: 'structured', anchors, cached: this.#cached.has(anchors[0]), ...base });
          break;
        }
        case 'rowwise':
          groups.unshift({ kind: 'rowwise', anchors: [], reductions, ...base });
          break;
      }
    }
    return groups;
  }
}

/** Buffers that a value computed inside a kernel may read, and that an epilogue may; a kernel binds eight in all. */
const MOST_BUFFERS = 5;
const EPILOGUE_BUFFERS = 2;
/** What is left of them beside a product's matrix and input. */
const PRODUCT_BUFFERS = 6;

/** Products and sums over tokens that read their inputs from buffers as they are. */
const READS_BUFFERS: ReadonlySet<OpName> = new Set<OpName>([
  'matrix_input_gradient',
  'matrix_weight_gradient',
  'cross_entropy_gradient',
]);

/** Their results are summed over the parts of a matrix, or are many: what follows has kernels of its own. */
const WITHOUT_EPILOGUE: ReadonlySet<OpName> = new Set<OpName>([...READS_BUFFERS, 'stack', 'embed_gradient']);

/** The node's class; a sum over tokens has a kernel of its own. */
function nodeClass(graph: Graph, node: GraphNode): FusionClass {
  return reducesTime(graph, node) ? 'anchor' : fusionClass(node.op);
}

/** The node and all that are the same op of the same inputs, for the gradients of other inputs. */
function siblings(graph: Graph, node: GraphNode): StructuredGroup['anchors'] {
  if (!Object.hasOwn(node.attributes, 'of')) return [node.id];
  const key = (n: GraphNode): string => contentKey({ ...n.attributes, of: undefined });
  const same = graph.nodes.filter(
    (n) => n.op === node.op && n.inputs.join() === node.inputs.join() && key(n) === key(node),
  );
  return same.map((n) => n.id) as [NodeId, ...NodeId[]];
}

/** One group per node that computes something. */
function unfused(graph: Graph): readonly Group[] {
  const none: ReadonlySet<NodeId> = new Set();
  const groups: Group[] = [];
  for (const node of graph.nodes) {
    const base = { epilogue: none, stores: [node.id] };
    switch (nodeClass(graph, node)) {
      case 'source':
      case 'input':
        break;
      case 'anchor':
        if (node.op === 'linear' && hasMatrix(graph, node as never)) {
          groups.push({ kind: 'linear', anchors: [node.id], interleave: 1, reductions: [], cacheWrites: [], ...base });
        } else {
          const anchors = siblings(graph, node);
          // One kernel computes all; it stands where the first is.
          if (anchors[0] === node.id)
            groups.push({ kind: 'structured', anchors, cached: false, epilogue: none, stores: anchors });
        }
        break;
      case 'reduction':
        groups.push({ kind: 'rowwise', anchors: [], reductions: [node.id], ...base });
        break;
      case 'element':
      case 'gather':
        groups.push({ kind: 'rowwise', anchors: [], reductions: [], ...base });
        break;
    }
  }
  return groups;
}
