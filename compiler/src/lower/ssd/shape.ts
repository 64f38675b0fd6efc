/** Sizes and names of an SSD node, and its scratch: what all its kernels have in common. */
import type { Graph, GraphNode } from '../../graph/graph.js';
import type { TensorType } from '../../graph/types.js';
import type { Buffer } from '../../kernel/build.js';
import * as e from '../../kernel/expressions.js';
import type { Operand } from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import type { CallOperand } from '../call.js';
import { bindRows, inputQuad, quadsOf } from '../quads.js';
import type { QuadRows } from '../quads.js';
import type { Coordinates, KernelScope, LoweringContext } from '../scope.js';

/** Tokens in a chunk. */
export const CHUNK = 64;

/** The op, or the gradients of its inputs: both read the same five inputs. */
export type SsdNode = GraphNode<'ssd'> | GraphNode<'ssd_gradient'>;
export type SsdContext = LoweringContext<'ssd'> | LoweringContext<'ssd_gradient'>;

export interface SsdShape {
  readonly heads: number;
  readonly width: number;
  readonly groups: number;
  readonly state: number;
  /** Fours of a state row, padded in scratch. */
  readonly stateQuads: number;
  readonly headsPerGroup: number;
  readonly types: readonly TensorType[];
  result(time: Expression, head: Expression, column: Expression): Coordinates;
}

export function ssdShape(graph: Graph, node: SsdNode): SsdShape {
  const { heads, head_dim, groups, state } = node.attributes;
  return {
    heads,
    width: head_dim,
    groups,
    state,
    stateQuads: quadsOf(state),
    headsPerGroup: heads / groups,
    types: node.inputs.map((i) => graph.nodes[i]!.type),
    result: (time, head, column) => ({ time, [node.type.dims[1]!.name]: head, [node.type.dims[2]!.name]: column }),
  };
}

/** The states of all slots, in rows of [slot, heads, width]. */
export function bindState(scope: KernelScope, node: GraphNode<'ssd'>, access: 'read' | 'read_write'): QuadRows {
  const { heads, head_dim, state } = node.attributes;
  const doc = `state [slot, ${heads}, ${head_dim}, ${state}]`;
  return bindRows(scope, 'state', { kind: 'state', node: node.id, name: 'state' }, state, access, doc);
}

/** Reads the node's inputs. */
export class SsdInputs {
  constructor(
    readonly scope: KernelScope,
    readonly shape: SsdShape,
  ) {}

  #name(i: number, dim: number): string {
    return this.shape.types[i]!.dims[dim]!.name;
  }

  x(time: Expression, head: Expression, column: Expression): Expression {
    return this.scope.input(0, { time, [this.#name(0, 1)]: head, [this.#name(0, 2)]: column });
  }
  /** Four elements of a head's input, zero past its end. */
  xQuad(time: Expression, head: Expression, quad: Operand): Expression {
    return inputQuad(this.scope, 0, this.shape.types[0]!, { time, [this.#name(0, 1)]: head }, quad);
  }
  dt(time: Expression, head: Expression): Expression {
    return this.scope.input(1, { time, [this.#name(1, 1)]: head });
  }
  A(head: Expression): Expression {
    return this.scope.input(2, { [this.#name(2, 0)]: head });
  }
  B(time: Expression, group: Expression, quad: Operand): Expression {
    return inputQuad(this.scope, 3, this.shape.types[3]!, { time, [this.#name(3, 1)]: group }, quad);
  }
  C(time: Expression, group: Expression, quad: Operand): Expression {
    return inputQuad(this.scope, 4, this.shape.types[4]!, { time, [this.#name(4, 1)]: group }, quad);
  }
  /** Gradient of the result; of `ssd_gradient` only. */
  g(time: Expression, head: Expression, column: Expression): Expression {
    return this.scope.input(5, { time, [this.#name(5, 1)]: head, [this.#name(5, 2)]: column });
  }
  gQuad(time: Expression, head: Expression, quad: Operand): Expression {
    return inputQuad(this.scope, 5, this.shape.types[5]!, { time, [this.#name(5, 1)]: head }, quad);
  }
}

/**
 * Scratch per token: dt of each head, then the logarithm of each head's decay since its chunk began (this token's
 * included), then for each group C of this token times B of every token of its chunk up to it.
 */
export class TokenScratch {
  readonly #buffer: Buffer;
  readonly #stride: number;

  constructor(
    scope: KernelScope,
    node: SsdNode,
    readonly shape: SsdShape,
    access: 'read' | 'read_write',
  ) {
    this.#stride = 2 * shape.heads + CHUNK * shape.groups;
    const operand: CallOperand = {
      kind: 'scratch',
      node: node.id,
      name: 'tokens',
      elements: ['mul', 'tokens', this.#stride],
    };
    this.#buffer = scope.bind(
      'per_token',
      operand,
      'f32',
      access,
      `per token: dt [${shape.heads}], log decay [${shape.heads}], C·B [${shape.groups}, ${CHUNK}]`,
    );
  }

  #index(time: Expression, offset: Operand): Expression {
    return e.add(e.mul(time, this.#stride), offset);
  }
  dt(time: Expression, head: Expression): Expression {
    return this.#buffer.at(this.#index(time, head));
  }
  logDecay(time: Expression, head: Expression): Expression {
    return this.#buffer.at(this.#index(time, e.add(head, this.shape.heads)));
  }
  setDecay(time: Expression, head: Expression, dt: Expression, logDecay: Expression): void {
    this.#buffer.set(this.#index(time, head), dt);
    this.#buffer.set(this.#index(time, e.add(head, this.shape.heads)), logDecay);
  }
  #product(time: Expression, group: Expression, other: Expression): Expression {
    return this.#index(time, e.add(e.add(e.mul(group, CHUNK), other), 2 * this.shape.heads));
  }
  product(time: Expression, group: Expression, other: Expression): Expression {
    return this.#buffer.at(this.#product(time, group, other));
  }
  setProduct(time: Expression, group: Expression, other: Expression, value: Expression): void {
    this.#buffer.set(this.#product(time, group, other), value);
  }
}

/** Scratch per chunk: a state [heads, width, fours of state], first what the chunk adds, then what comes before it. */
export class ChunkStates {
  readonly #buffer: Buffer;

  constructor(
    scope: KernelScope,
    node: SsdNode,
    readonly shape: SsdShape,
    access: 'read' | 'read_write',
    name: 'chunks' | 'gradients' = 'chunks',
  ) {
    const perChunk = shape.heads * shape.width * shape.stateQuads * 4;
    const operand: CallOperand = {
      kind: 'scratch',
      node: node.id,
      name,
      elements: ['mul', `tiles${CHUNK}`, perChunk],
    };
    this.#buffer = scope.bind(
      name === 'chunks' ? 'chunk_states' : 'chunk_gradients',
      operand,
      'vec4f',
      access,
      `per chunk: ${name === 'chunks' ? 'state' : 'gradient of the state'} [${shape.heads}, ${shape.width}, ${shape.state}]`,
    );
  }

  /** `row` counts heads × width. */
  #index(chunk: Expression, row: Expression, quad: Expression): Expression {
    const { heads, width, stateQuads } = this.shape;
    return e.add(e.mul(e.add(e.mul(chunk, heads * width), row), stateQuads), quad);
  }
  at(chunk: Expression, row: Expression, quad: Expression): Expression {
    return this.#buffer.at(this.#index(chunk, row, quad));
  }
  set(chunk: Expression, row: Expression, quad: Expression, value: Expression): void {
    this.#buffer.set(this.#index(chunk, row, quad), value);
  }
}
