/** What the kernels of SSD's gradient leave for each other, besides what the forward pass has. */
import type { Buffer } from '../../../kernel/build.js';
import * as e from '../../../kernel/expressions.js';
import type { Operand } from '../../../kernel/expressions.js';
import type { Expression } from '../../../kernel/ir.js';
import type { KernelScope } from '../../scope.js';
import { headBlocks } from '../head-tile.js';
import { CHUNK } from '../shape.js';
import type { SsdNode, SsdShape } from '../shape.js';

type Access = 'read' | 'read_write';

/**
 * Terms of the gradient of dt, per token and head; the first three are parts, one for each block of the head's width:
 * - `step`: ⟨u, x⟩, with dx = dt u
 * - `forward`: what flows from the token's input to the gradient of the state after the chunk (n of `gradient.ts`)
 * - `backward`: what flows from the state before the chunk to the token's output (r)
 * - `inside`: through the decay at the token, between tokens of the chunk before it and from it on
 */
export type Term = 'step' | 'forward' | 'backward' | 'inside';
const PARTS: readonly Term[] = ['step', 'forward', 'backward'];

export class Terms {
  readonly #buffer: Buffer;
  readonly #blocks: number;
  readonly #stride: number;

  constructor(
    scope: KernelScope,
    node: SsdNode,
    readonly shape: SsdShape,
    access: Access,
  ) {
    this.#blocks = headBlocks(shape).blocks;
    this.#stride = PARTS.length * this.#blocks + 1;
    const operand = {
      kind: 'scratch',
      node: node.id,
      name: 'terms',
      elements: ['mul', 'tokens', shape.heads * this.#stride],
    } as const;
    this.#buffer = scope.bind('terms', operand, 'f32', access, `[token, ${shape.heads}]: terms of the gradient of dt`);
  }

  #index(term: Term, time: Expression, head: Expression, block: Operand): Expression {
    const part = term === 'inside' ? PARTS.length * this.#blocks : PARTS.indexOf(term) * this.#blocks;
    const row = e.mul(e.add(e.mul(time, this.shape.heads), head), this.#stride);
    return e.sum(row, block, part);
  }
  set(term: Term, time: Expression, head: Expression, block: Operand, value: Expression): void {
    this.#buffer.set(this.#index(term, time, head, block), value);
  }
  /** All parts of the term together. */
  at(term: Term, time: Expression, head: Expression): Expression {
    const parts = Array.from({ length: term === 'inside' ? 1 : this.#blocks }, (_, block) =>
      this.#buffer.at(this.#index(term, time, head, block)),
    );
    return parts.reduce((a, b) => e.add(a, b));
  }
}

/**
 * Gradient of C_l · B_s, summed over the group's heads: [token l, group, s], s from the chunk's start; zero for s > l.
 */
export class Pairs {
  readonly #buffer: Buffer;

  constructor(
    scope: KernelScope,
    node: SsdNode,
    readonly shape: SsdShape,
    access: Access,
  ) {
    const operand = {
      kind: 'scratch',
      node: node.id,
      name: 'pairs',
      elements: ['mul', 'tokens', shape.groups * CHUNK],
    } as const;
    this.#buffer = scope.bind('pairs', operand, 'vec4f', access, `[token, ${shape.groups}, ${CHUNK}]: gradient of C·B`);
  }

  #index(time: Expression, group: Expression, four: Expression): Expression {
    return e.add(e.mul(e.add(e.mul(time, this.shape.groups), group), CHUNK / 4), four);
  }
  /** Those of s = 4 * four … */
  at(time: Expression, group: Expression, four: Expression): Expression {
    return this.#buffer.at(this.#index(time, group, four));
  }
  set(time: Expression, group: Expression, four: Expression, value: Expression): void {
    this.#buffer.set(this.#index(time, group, four), value);
  }
}

/** Each chunk's part of the gradient of A: [chunk, heads]. */
export function bindRates(scope: KernelScope, node: SsdNode, { heads }: SsdShape, access: Access): Buffer {
  const operand = {
    kind: 'scratch',
    node: node.id,
    name: 'rates',
    elements: ['mul', `tiles${CHUNK}`, heads],
  } as const;
  return scope.bind('rates', operand, 'f32', access, `[chunk, ${heads}]: parts of the gradient of A`);
}
