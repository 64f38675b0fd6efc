/** One kernel under construction for a fused group: buffers and what they are bound to, prologues and epilogues. */
import type { Size } from '@hyb/runtime';
import type { Graph, GraphNode, NodeId } from '../graph/graph.js';
import { elementsPerToken, hasTime } from '../graph/types.js';
import type { Buffer } from '../kernel/build.js';
import { KernelBuilder } from '../kernel/build.js';
import * as e from '../kernel/expressions.js';
import type { BufferElement, Expression } from '../kernel/ir.js';
import type { GradientTargets } from '../lower/lower.js';
import type { CallOperand, CallUniform, KernelCall, Mode, VectorLayout } from '../lower/call.js';
import { Bindings } from '../lower/bindings.js';
import { storeKeyValueElement } from '../lower/attend/cache.js';
import { convStep } from '../lower/conv1d.js';
import { describe } from '../lower/names.js';
import type { Coordinates, KernelScope } from '../lower/scope.js';
import type { TimeAxis } from './axis.js';
import { Evaluator } from './evaluate.js';
import type { CacheWrite, Group } from './group.js';
import { Position, positionIn, rowDims } from './position.js';

/** What all kernels of a graph's program have in common. */
export interface FusionContext {
  readonly graph: Graph;
  readonly mode: Mode;
  readonly axis: TimeAxis;
  /** Rows from which on a matrix has the kernels for high ones. */
  readonly high?: number;
  readonly layout: VectorLayout;
  /** Nodes whose values lie in buffers once their group has run. */
  readonly stored: ReadonlySet<NodeId>;
  /** The graph's result replaces its input in the residual stream's buffer. */
  readonly inPlace: boolean;
  /** Where the graph's output goes, if not to a value buffer. */
  readonly outputOperand?: CallOperand;
  /** Where gradients of parameters go: values that are added to when they are stored. */
  readonly gradients?: GradientTargets;
  /** Stored values that somebody reads, besides what becomes of them as gradients. */
  readonly read?: ReadonlySet<NodeId>;
}

/** Values of anchors, and where they belong. */
export type AnchorValues = ReadonlyMap<NodeId, { readonly position: Position; readonly value: Expression }>;

/** Where the value of a node belongs in the gradients: row-major, from an offset on. */
export type AddedTo =
  | { readonly kind: 'vector'; readonly offset: number }
  /** One number that is measured, over all parts: a sum, or the largest. */
  | { readonly kind: 'probe'; readonly id: string; readonly join: 'add' | 'max' }
  | {
      readonly kind: 'matrix';
      readonly parameters: readonly string[];
      readonly interleaved: boolean;
      /** Row r of the parameter is row `row + r * stride` of the matrix. */
      readonly row: number;
      readonly stride: number;
      /** Columns of the parameter and of the matrix. */
      readonly columns: number;
      readonly pitch: number;
    };

export class FusedKernel implements KernelScope {
  readonly builder = new KernelBuilder();
  readonly evaluator: Evaluator;
  readonly #bindings = new Bindings(this.builder);
  /** A structured op of several kernels runs its epilogue in one of them: the one whose label says so. */
  #runsEpilogue = false;
  /** Values and vector parameters that the kernel has read or stored, and elements of state per token. */
  readonly #loaded = new Set<NodeId>();
  readonly #stored = new Set<NodeId>();
  readonly #vectors = new Set<string>();
  /** Values that go to a cache. */
  readonly #written = new Set<NodeId>();
  #stateElements = 0;

  constructor(
    readonly context: FusionContext,
    readonly group: Group,
  ) {
    this.evaluator = new Evaluator(this);
  }

  get graph(): Graph {
    return this.context.graph;
  }

  /** A value that this kernel reads from a buffer. */
  isLeaf(id: NodeId): boolean {
    const { op } = this.graph.nodes[id]!;
    if (op === 'input' || op === 'kept') return true;
    return this.context.stored.has(id) && !this.computes(id);
  }

  computes(id: NodeId): boolean {
    return (
      this.group.stores.includes(id) ||
      this.group.epilogue.has(id) ||
      (this.group.anchors as readonly NodeId[]).includes(id)
    );
  }

  load(id: NodeId, position: Position): Expression {
    this.#loaded.add(id);
    const node = this.graph.nodes[id]!;
    const buffer = this.#valueBuffer(node, 'read');
    const elements = elementsPerToken(node.type);
    const row = hasTime(node.type) ? e.mul(this.#row(node, position.time!), elements) : e.u32(0);
    const at = e.add(row, position.flat());
    return buffer.element === 'vec4f' ? this.#laneOf(buffer, at) : buffer.at(at);
  }

  /** An element of a buffer that is bound by fours. */
  #laneOf(buffer: Buffer, at: Expression): Expression {
    const { builder } = this;
    const index = builder.let('element', at);
    const four = builder.let('four', buffer.at(e.div(index, 4)));
    const lane = builder.let('lane', e.mod(index, 4));
    const [x, y, z, w] = [0, 1, 2, 3].map((i) => e.component(four, i)) as [
      Expression,
      Expression,
      Expression,
      Expression,
    ];
    return e.select(e.lt(lane, 2), e.select(e.eq(lane, 0), x, y), e.select(e.eq(lane, 2), z, w));
  }

  /** Four elements from `4 * index` on of a value's buffer. */
  #fourOf(id: NodeId, index: Expression): Expression {
    const buffer = this.#valueBuffer(this.graph.nodes[id]!, 'read', 'vec4f');
    if (buffer.element === 'vec4f') return buffer.at(index);
    const first = this.builder.let('first', e.mul(index, 4));
    return e.vector('vec4f', ...[0, 1, 2, 3].map((lane) => buffer.at(e.add(first, lane))));
  }

  /** Elements 4 * index … 4 * index + 3 of the row at `time` of a value whose rows are multiples of four long, as vec4f. */
  load4(id: NodeId, time: Expression, index: Expression): Expression {
    this.#loaded.add(id);
    const node = this.graph.nodes[id]!;
    return this.#fourOf(id, e.add(e.mul(this.#row(node, time), elementsPerToken(node.type) / 4), index));
  }

  /** Elements 4 * index … of the whole buffer of a value, as vec4f. */
  loadFour(id: NodeId, index: Expression): Expression {
    this.#loaded.add(id);
    return this.#fourOf(id, index);
  }

  /** Row of the node's buffer that holds `time`: the stream is indexed by token even where `time` runs over rows. */
  #row(node: GraphNode, time: Expression): Expression {
    return node.op === 'input' && this.context.axis.size === 'rows' ? this.#tokenOfRow(time) : time;
  }

  #tokenOfRow(time: Expression): Expression {
    const rows = this.bind(
      'rows',
      { kind: 'batch', table: 'rows' },
      'u32',
      'read',
      'flat token index of each wanted row',
    );
    return rows.at(time);
  }

  /** vec4u of the token at `time`: id, sequence, position, slot. */
  token(time: Expression): Expression {
    const tokens = this.bind(
      'tokens',
      { kind: 'batch', table: 'tokens' },
      'vec4u',
      'read',
      'per token: id, sequence, position, slot',
    );
    return tokens.at(this.context.axis.size === 'rows' ? this.#tokenOfRow(time) : time);
  }

  vectorParameter(path: string, index: Expression): Expression {
    const offset = this.context.layout.offsets[path];
    if (offset === undefined) throw new Error(`${path} is not a vector parameter`);
    this.#vectors.add(path);
    const vectors = this.bind('vectors', { kind: 'vectors' }, 'f32', 'read', "the layer's small parameters");
    return vectors.at(e.add(index, offset));
  }

  angle(frequencies: readonly number[], time: Expression, pair: Expression): { cos: Expression; sin: Expression } {
    const n = frequencies.length;
    const table = this.bind(
      'angles',
      { kind: 'table', frequencies },
      'vec2f',
      'read',
      'cos and sin by low and high byte of the position',
    );
    const at = this.builder.let('position', e.component(this.token(time), 2));
    const low = this.builder.let('low', table.at(e.add(e.mul(e.bitAnd(at, 255), n), pair)));
    const high = this.builder.let('high', table.at(e.sum(e.mul(e.shiftRight(at, 8), n), pair, 256 * n)));
    const [cl, sl, ch, sh] = [e.component(low, 0), e.component(low, 1), e.component(high, 0), e.component(high, 1)];
    return {
      cos: this.builder.let('cosine', e.sub(e.mul(cl, ch), e.mul(sl, sh))),
      sin: this.builder.let('sine', e.add(e.mul(sl, ch), e.mul(cl, sh))),
    };
  }

  input(i: number, at: Coordinates): Expression {
    const anchor = this.graph.nodes[this.group.anchors[0]!]!;
    const node = this.graph.nodes[anchor.inputs[i]!]!;
    return this.evaluator.value(node.id, positionIn(this.builder, node.type, at));
  }

  input4(i: number, at: Coordinates): Expression {
    const anchor = this.graph.nodes[this.group.anchors[0]!]!;
    const node = this.graph.nodes[anchor.inputs[i]!]!;
    const dims = rowDims(node.type);
    const last = dims[dims.length - 1]!.name;
    const lanes = [0, 1, 2, 3].map((lane) => {
      const shifted = { ...at, [last]: e.add(at[last]!, lane) };
      return this.evaluator.value(node.id, positionIn(this.builder, node.type, shifted));
    });
    return e.vector('vec4f', ...lanes);
  }

  output(at: Coordinates, value: Expression): void {
    this.outputOf(this.group.anchors[0]!, at, value);
  }

  outputOf(id: NodeId, at: Coordinates, value: Expression): void {
    this.#runsEpilogue = true;
    const anchor = this.graph.nodes[id]!;
    this.store(new Map([[anchor.id, { position: positionIn(this.builder, anchor.type, at), value }]]));
  }

  /** Runs the epilogue on the anchors' values and stores what leaves the group. */
  store(anchors: AnchorValues): void {
    this.storeLanes([anchors]);
  }

  /** `store` for elements that are finished together: those of a pair that rotary embedding turns. */
  storeLanes(lanes: readonly [AnchorValues] | readonly [AnchorValues, AnchorValues]): void {
    for (const id of lanes[0].keys()) {
      this.evaluator.give(id, () => (lanes[this.evaluator.lane] ?? lanes[0]).get(id)!.value);
    }
    lanes.forEach((anchors, lane) => this.evaluator.inLane(lane as 0 | 1, () => this.#storeLane(anchors)));
  }

  #storeLane(anchors: AnchorValues): void {
    for (const id of this.#epilogueOrder()) {
      const node = this.graph.nodes[id]!;
      const position = this.#forward(id, anchors);
      if (!position) continue;
      if (node.op === 'conv1d' && !anchors.has(id)) {
        const conv = node as GraphNode<'conv1d'>;
        const input = this.evaluator.value(node.inputs[0]!, this.#forward(node.inputs[0]!, anchors)!);
        const result = convStep(
          this,
          { graph: this.graph, node: conv },
          { time: position.time!, channel: position.flat() },
          input,
          (i, flat) => this.vectorParameter(this.#parameterPath(node.inputs[i]!), flat),
        );
        this.evaluator.give(id, () => result);
        this.#stateElements += 2 * (conv.attributes.kernel - 1) * elementsPerToken(node.type);
      }
      if (this.group.stores.includes(id)) this.storeValue(id, position);
    }
    for (const write of this.#cacheWrites()) {
      const position = this.#forward(write.source, anchors);
      if (position) this.#writeCache(write, position);
    }
  }

  #cacheWrites(): readonly CacheWrite[] {
    return this.group.kind === 'linear' ? this.group.cacheWrites : [];
  }

  #writeCache({ source, attend, name }: CacheWrite, position: Position): void {
    const value = this.evaluator.value(source, position);
    const node = this.graph.nodes[attend] as GraphNode<'attend'>;
    const at = { time: position.time!, element: position.flat() };
    storeKeyValueElement(this, { graph: this.graph, node }, name, at, value);
    this.#written.add(source);
  }

  #parameterPath(id: NodeId): string {
    const node = this.graph.nodes[id]!;
    if (node.op !== 'parameter') throw new Error('a fused convolution reads parameters only');
    return (node as GraphNode<'parameter'>).attributes.path;
  }

  #epilogueOrder(): readonly NodeId[] {
    const convolutions = [...this.group.epilogue].filter((id) => this.graph.nodes[id]!.op === 'conv1d');
    return [...new Set([...this.group.stores, ...convolutions])].sort((a, b) => a - b);
  }

  /** Position of an epilogue node's element, given the anchors'; undefined where it does not come from these anchors. */
  #forward(id: NodeId, anchors: ReadonlyMap<NodeId, { readonly position: Position }>): Position | undefined {
    const anchor = anchors.get(id);
    if (anchor) return anchor.position;
    if (!this.group.epilogue.has(id)) return undefined;
    const node = this.graph.nodes[id]!;
    for (const input of node.inputs) {
      const from = this.#forward(input, anchors);
      if (!from) continue;
      const dims = rowDims(node.type);
      switch (node.op) {
        case 'reshape':
          return from.reshape(dims);
        case 'rename':
          return from.rename(dims, (node as GraphNode<'rename'>).attributes.names);
        default:
          return from.project(dims, hasTime(node.type));
      }
    }
    return undefined;
  }

  /** Computes a node at a position and stores it where its value lives. */
  storeValue(id: NodeId, position: Position): void {
    this.#stored.add(id);
    const node = this.graph.nodes[id]!;
    const value = this.evaluator.value(id, position);
    const { gradients, read } = this.context;
    const added = gradients?.added.get(id) ?? [];
    for (const to of added) this.#add(to, position.flat(), value);
    if (added.length > 0 && read?.has(id) !== true) return;
    const buffer = this.#valueBuffer(node, 'read_write');
    const row = hasTime(node.type) ? e.mul(position.time!, elementsPerToken(node.type)) : e.u32(0);
    buffer.set(e.add(row, position.flat()), value);
  }

  /** Parts of a batch are summed: gradients start at zero and are added to. Each element belongs to one invocation. */
  #add(to: AddedTo, flat: Expression, value: Expression): void {
    let buffer: Buffer;
    let at: Expression;
    if (to.kind === 'probe') {
      const measured = this.bind('measured', { kind: 'probe', id: to.id }, 'f32', 'read_write', 'what is measured');
      const known = measured.at(0);
      measured.set(0, to.join === 'add' ? e.add(known, value) : e.max(known, value));
      return;
    }
    if (to.kind === 'vector') {
      buffer = this.bind(
        'gradients',
        { kind: 'gradient_vectors' },
        'f32',
        'read_write',
        'gradients of small parameters',
      );
      at = e.add(flat, to.offset);
    } else {
      const { parameters, interleaved, row, stride, columns, pitch } = to;
      const operand: CallOperand = { kind: 'gradient', parameters, interleaved };
      buffer = this.bind('matrix_gradient', operand, 'f32', 'read_write', 'gradient of the matrix');
      const own = this.builder.let('row', e.add(e.mul(e.div(flat, columns), stride), row));
      at = e.add(e.mul(own, pitch), e.mod(flat, columns));
    }
    const place = this.builder.let('place', at);
    buffer.set(place, e.add(buffer.at(place), value));
  }

  /** @param element that reads take if the value is not bound yet */
  #valueBuffer(node: GraphNode, access: 'read' | 'read_write', element: 'f32' | 'vec4f' = 'f32'): Buffer {
    const { hint, operand, doc } = this.#placeOf(node);
    const known = access === 'read' ? this.#bindings.known(operand)?.element : undefined;
    return this.bind(hint, operand, known ?? element, access, doc);
  }

  #placeOf(node: GraphNode): { readonly hint: string; readonly operand: CallOperand; readonly doc: string } {
    const { graph, inPlace, outputOperand } = this.context;
    const label = node.label ?? node.op;
    if (node.id === graph.output && outputOperand) return { hint: 'result', operand: outputOperand, doc: label };
    const input = graph.nodes.find((n) => n.op === 'input' && (n as GraphNode<'input'>).attributes.name === 'x');
    const isStream = node.id === input?.id || (node.id === graph.output && inPlace && input !== undefined);
    if (isStream)
      return { hint: 'stream', operand: { kind: 'value', node: input.id }, doc: 'residual stream [tokens, width]' };
    // The suffix keeps the name apart from locals, so that variants of a kernel name their buffers alike.
    return { hint: `${label}_values`, operand: { kind: 'value', node: node.id }, doc: label };
  }

  bind(hint: string, operand: CallOperand, element: BufferElement, access: 'read' | 'read_write', doc: string): Buffer {
    return this.#bindings.bind(hint, operand, element, access, doc);
  }

  uniform(hint: string, value: CallUniform, type: 'u32' | 'i32' | 'f32', doc: string): Expression {
    return this.#bindings.uniform(hint, value, type, doc);
  }

  /** Position of the element `flat` of the node's row at `time`. */
  flatPosition(id: NodeId, time: Expression | undefined, flat: Expression): Position {
    const { type } = this.graph.nodes[id]!;
    return Position.fromFlat(this.builder, rowDims(type), hasTime(type) ? time : undefined, flat);
  }

  /**
   * f32 values that the kernel moves as far as it is built, each once: what several workgroups read comes out of a cache.
   * For `StepCost.values`.
   */
  moved(): Size {
    const { graph, context } = this;
    const types = [...this.#loaded, ...this.#stored, ...this.#written].map((id) => graph.nodes[id]!.type);
    const perToken = types.filter(hasTime).reduce((n, type) => n + elementsPerToken(type), this.#stateElements);
    const constant = types.filter((type) => !hasTime(type)).reduce((n, type) => n + elementsPerToken(type), 0);
    const vectors = graph.parameters
      .filter((p) => this.#vectors.has(p.path))
      .reduce((n, p) => n + elementsPerToken(p.type), 0);
    return ['add', ['mul', context.axis.size, perToken], constant + vectors];
  }

  finish(call: Parameters<KernelScope['finish']>[0]): KernelCall {
    const epilogue = this.#runsEpilogue ? [...this.group.epilogue] : [];
    const label = epilogue.length > 0 ? `${call.label} + ${describe(this.graph, epilogue)}` : call.label;
    const kernel = this.builder.finish({ ...call, doc: call.doc === call.label ? label : call.doc });
    return {
      variants: [kernel],
      label,
      bindings: this.#bindings.operands,
      uniforms: this.#bindings.uniforms,
      grid: call.grid,
      ...(call.split ? { split: call.split } : {}),
      covers: [...new Set([...this.group.anchors, ...this.group.epilogue, ...this.group.stores])].sort((a, b) => a - b),
      cost: call.cost,
    };
  }
}
