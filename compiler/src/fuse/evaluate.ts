/**
 * Turns graph nodes into kernel expressions, on demand: the value of a node at a position is an expression over the
 * values of its inputs, down to what lies in buffers. This is how prologues and epilogues come to be.
 */
import type { GraphNode, NodeId } from '../graph/graph.js';
import type { BinaryName, OpName, UnaryName } from '../ops/attributes.js';
import { BINARY, UNARY } from '../ops/attributes.js';
import { hasTime } from '../graph/types.js';
import * as e from '../kernel/expressions.js';
import type { Expression } from '../kernel/ir.js';
import { BINARY_EXPRESSIONS, castExpression, isTrue, UNARY_EXPRESSIONS } from '../lower/pointwise.js';
import { spectralNormPath } from '../lower/spectral/norm.js';
import { Position, rowDims } from './position.js';
import type { FusedKernel } from './scope.js';

const UNARY_NAMES: ReadonlySet<string> = new Set(UNARY);
const BINARY_NAMES: ReadonlySet<string> = new Set(BINARY);

export class Evaluator {
  readonly #kept = new Map<NodeId, { position: Position; value: Expression; block: object }[]>();
  /** Values known in this kernel, such as an anchor's result or a reduction in workgroup memory. */
  readonly #given = new Map<NodeId, (position: Position) => Expression>();

  /**
   * Which of the elements that a kernel finishes together is being computed. `give` may look at it: rotary embedding asks
   * for its partner's value in the other lane.
   */
  #lane: 0 | 1 = 0;

  constructor(readonly kernel: FusedKernel) {}

  get lane(): 0 | 1 {
    return this.#lane;
  }

  inLane<T>(lane: 0 | 1, body: () => T): T {
    const before = this.#lane;
    this.#lane = lane;
    const result = body();
    this.#lane = before;
    return result;
  }

  give(node: NodeId, value: (position: Position) => Expression): void {
    this.#given.set(node, value);
  }

  value(id: NodeId, position: Position): Expression {
    const builder = this.kernel.builder;
    const kept = this.#kept.get(id) ?? [];
    const known = kept.find((k) => k.position === position && builder.isOpen(k.block));
    if (known) return known.value;
    const node = this.kernel.graph.nodes[id]!;
    const made = this.#make(node, position);
    const value = made.kind === 'literal' || made.kind === 'local' ? made : builder.let(node.label ?? node.op, made);
    this.#kept.set(id, [...kept, { position, value, block: builder.currentBlock() }]);
    return value;
  }

  /**
   * Computes what is one value a token (the reciprocal of a norm's root) ahead of a loop over elements, for all nodes that
   * `root` depends on inside this kernel.
   */
  hoist(root: NodeId, time: Expression | undefined): void {
    const seen = new Set<NodeId>();
    const visit = (id: NodeId): void => {
      if (seen.has(id)) return;
      seen.add(id);
      const node = this.kernel.graph.nodes[id]!;
      const inside = !this.#given.has(id) && !this.kernel.isLeaf(id);
      if (inside) node.inputs.forEach(visit);
      if (rowDims(node.type).length > 0 || node.op === 'constant' || node.op === 'input') return;
      this.value(id, Position.ofRow(this.kernel.builder, hasTime(node.type) ? time : undefined));
    };
    visit(root);
  }

  #make(node: GraphNode, position: Position): Expression {
    const given = this.#given.get(node.id);
    if (given) return given(position);
    if (this.kernel.isLeaf(node.id)) return this.kernel.load(node.id, position);
    if (UNARY_NAMES.has(node.op)) return UNARY_EXPRESSIONS[node.op as UnaryName](this.#input(node, 0, position));
    if (BINARY_NAMES.has(node.op)) {
      return BINARY_EXPRESSIONS[node.op as BinaryName](this.#input(node, 0, position), this.#input(node, 1, position));
    }
    return this.#structural(node, position);
  }

  #structural(node: GraphNode, position: Position): Expression {
    const graph = this.kernel.graph;
    switch (node.op) {
      case 'constant':
        return e.f32((node as GraphNode<'constant'>).attributes.value);
      case 'parameter':
        return this.kernel.vectorParameter((node as GraphNode<'parameter'>).attributes.path, position.flat());
      case 'spectral_norm':
        return this.kernel.vectorParameter(spectralNormPath(graph, node), e.u32(0));
      case 'position':
        return e.convert('f32', e.component(this.kernel.token(position.time!), 2));
      case 'cast':
        return castExpression((node as GraphNode<'cast'>).attributes.to, this.#input(node, 0, position));
      case 'where':
        return e.select(
          isTrue(this.#input(node, 0, position)),
          this.#input(node, 1, position),
          this.#input(node, 2, position),
        );
      case 'reshape':
        return this.value(node.inputs[0]!, position.reshape(rowDims(graph.nodes[node.inputs[0]!]!.type)));
      case 'transpose':
        return this.value(node.inputs[0]!, position.project(rowDims(graph.nodes[node.inputs[0]!]!.type), true));
      case 'rename': {
        const { names } = (node as GraphNode<'rename'>).attributes;
        const back = Object.fromEntries(Object.entries(names).map(([from, to]) => [to, from]));
        return this.value(node.inputs[0]!, position.rename(rowDims(graph.nodes[node.inputs[0]!]!.type), back));
      }
      case 'slice': {
        const { dim, start, name } = (node as GraphNode<'slice'>).attributes;
        const dims = rowDims(graph.nodes[node.inputs[0]!]!.type);
        return this.value(node.inputs[0]!, position.replace(dims, name, dim, e.add(position.at(name), start)));
      }
      case 'broadcast':
        return this.#input(node, 0, position);
      case 'pad':
        return this.#pad(node as GraphNode<'pad'>, position);
      case 'concat':
        return this.#concat(node as GraphNode<'concat'>, position);
      case 'rope':
        return this.#rope(node as GraphNode<'rope'>, position);
      default:
        throw new Error(`${node.op} cannot be computed inside another kernel`);
    }
  }

  /** Input `i`, broadcast by name. */
  #input(node: GraphNode<OpName>, i: number, position: Position): Expression {
    const input = this.kernel.graph.nodes[node.inputs[i]!]!;
    return this.value(input.id, position.project(rowDims(input.type), hasTime(input.type)));
  }

  /** Loaded at a clamped coordinate and selected, so that no branch is needed. */
  #pad(node: GraphNode<'pad'>, position: Position): Expression {
    const { dim, before, name } = node.attributes;
    const dims = rowDims(this.kernel.graph.nodes[node.inputs[0]!]!.type);
    const extent = dims.find((d) => d.name === dim)!.extent;
    const at = position.at(name);
    const local = e.min(e.sub(e.max(at, before), before), extent - 1);
    const value = this.value(node.inputs[0]!, position.replace(dims, name, dim, local));
    return e.select(e.and(e.ge(at, before), e.lt(at, before + extent)), value, e.f32(0));
  }

  /** Each part is loaded at a clamped coordinate and selected, so that no branch is needed. */
  #concat(node: GraphNode<'concat'>, position: Position): Expression {
    const { dim, name } = node.attributes;
    const at = position.at(name);
    let start = 0;
    let result: Expression | undefined;
    for (const input of node.inputs) {
      const dims = rowDims(this.kernel.graph.nodes[input]!.type);
      const extent = dims.find((d) => d.name === dim)!.extent;
      const local = start === 0 ? e.min(at, extent - 1) : e.min(e.sub(e.max(at, start), start), extent - 1);
      const value = this.value(input, position.replace(dims, name, dim, local));
      result = result ? e.select(e.ge(at, start), value, result) : value;
      start += extent;
    }
    return result!;
  }

  /** See the op's contract; cos and sin of the position's high and low bytes are joined by angle addition. */
  #rope(node: GraphNode<'rope'>, position: Position): Expression {
    const { frequencies, pairing, amplitude } = node.attributes;
    const builder = this.kernel.builder;
    const n = frequencies.length;
    const dims = rowDims(node.type);
    const last = dims[dims.length - 1]!;
    const i = position.at(last.name);
    const rotated = 2 * n === last.extent ? undefined : e.lt(i, 2 * n);
    const clamped = rotated ? e.min(i, 2 * n - 1) : i;
    const first = pairing === 'half' ? e.lt(clamped, n) : e.eq(e.mod(clamped, 2), 0);
    const k = pairing === 'half' ? e.select(first, clamped, e.sub(e.max(clamped, n), n)) : e.div(clamped, 2);
    const partner =
      pairing === 'half' ? e.select(first, e.add(clamped, n), e.sub(e.max(clamped, n), n)) : e.bitXor(clamped, 1);
    const x = this.value(node.inputs[0]!, position);
    const other = position.replace(dims, last.name, last.name, builder.let('partner', partner));
    const y = this.inLane(this.#lane === 0 ? 1 : 0, () => this.value(node.inputs[0]!, other));
    const { cos, sin } = this.kernel.angle(frequencies, position.time!, builder.let('pair', k));
    const turned = e.add(e.mul(x, cos), e.mul(e.select(first, e.neg(y), y), sin));
    const scaled = amplitude === 1 ? turned : e.mul(turned, amplitude);
    return rotated ? e.select(rotated, scaled, x) : scaled;
  }
}
