/**
 * A chunk of 64 tokens by a head's width in registers: eight invocations along the tokens, of 8 × 4 elements each. Two sums
 * can be taken: the rows of a state times a vector of each token, and the chunk's tokens weighted in pairs.
 */
import type { SharedArray, Variable } from '../../kernel/build.js';
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import { readTile } from '../batch.js';
import type { TileEntry } from '../batch.js';
import { ZERO4 } from '../quads.js';
import type { KernelScope } from '../scope.js';
import { CHUNK } from './shape.js';
import type { ChunkStates, SsdShape, TokenScratch } from './shape.js';

const SIDE = 8;
const EACH = CHUNK / SIDE;
/** Widest block of a head: 32 invocations of four. */
const BLOCK = 128;
/** Tokens staged at a time in the product within the chunk. */
const SLICE = 16;

/** How a head's width is cut over workgroups, and the invocations of one. */
export function headBlocks({ width }: SsdShape) {
  const blocks = Math.ceil(width / BLOCK);
  const columns = Math.ceil(width / 4 / blocks);
  return { blocks, columns, threads: columns * SIDE };
}

export class HeadTile {
  readonly local = e.builtin('local_index');
  readonly chunk = e.builtin('workgroup_y');
  readonly head: Expression;
  readonly group: Expression;
  readonly block: Expression;
  readonly firstQuad: Expression;
  readonly tile: TileEntry;
  readonly last: Expression;
  readonly #column: Expression;
  readonly #rowBlock: Expression;
  readonly #firstRow: Expression;
  readonly #columns: number;
  readonly #threads: number;
  readonly #slice: number;
  readonly #left: SharedArray;
  readonly #right: SharedArray;
  /** Log decay and dt of each token of the chunk; past its end those of the last one, and zero. */
  readonly decays: SharedArray;
  readonly steps: SharedArray;
  readonly sums: readonly Variable[];

  constructor(
    readonly scope: KernelScope,
    readonly shape: SsdShape,
    scratch: TokenScratch,
  ) {
    const { builder } = scope;
    const { blocks, columns, threads } = headBlocks(shape);
    this.#columns = columns;
    this.#threads = threads;
    const x = e.builtin('workgroup_x');
    this.head = builder.let('head', blocks === 1 ? x : e.div(x, blocks));
    this.group = builder.let('group', e.div(this.head, shape.headsPerGroup));
    this.block = blocks === 1 ? e.u32(0) : builder.let('block', e.mod(x, blocks));
    this.firstQuad = blocks === 1 ? e.u32(0) : builder.let('first_quad', e.mul(this.block, columns));
    this.tile = readTile(scope, CHUNK, this.chunk);
    this.last = builder.let('last', e.sub(e.add(this.tile.first, this.tile.count), 1));
    this.#column = builder.let('column', e.mod(this.local, columns));
    this.#rowBlock = builder.let('row_block', e.div(this.local, columns));
    this.#firstRow = builder.let('first_row', e.mul(this.#rowBlock, EACH));
    this.#slice = Math.min(4, shape.stateQuads);
    this.#left = builder.shared('left', 'vec4f', Math.max(this.#slice * CHUNK, (SLICE * CHUNK) / 4));
    this.#right = builder.shared('right', 'vec4f', Math.max(this.#slice * 4, SLICE) * columns);
    this.decays = builder.shared('decays', 'f32', CHUNK);
    this.steps = builder.shared('steps', 'f32', CHUNK);
    builder.for(
      'l',
      this.local,
      CHUNK,
      (l) => {
        const time = builder.let('time', e.min(e.add(this.tile.first, l), this.last));
        this.decays.set(l, scratch.logDecay(time, this.head));
        this.steps.set(l, e.select(e.lt(l, this.tile.count), scratch.dt(time, this.head), e.f32(0)));
      },
      { step: threads },
    );
    this.sums = Array.from({ length: EACH }, () => builder.variable('sum', 'vec4f', ZERO4));
  }

  /** Row `i` of the invocation's in the chunk. */
  row(i: number): Expression {
    return e.add(this.#firstRow, i);
  }

  /** Adds the head's state times the token's vector: Σ_n state[p, n] vector[l, n]. Ends in step. */
  addStateTimes(states: ChunkStates, vector: (time: Expression, quad: Expression) => Expression): void {
    const { builder } = this.scope;
    const { stateQuads, width } = this.shape;
    const [columns, slice, left, right] = [this.#columns, this.#slice, this.#left, this.#right];
    const clamp = (quad: Expression): Expression =>
      stateQuads % slice === 0 ? quad : builder.let('clamped', e.min(quad, stateQuads - 1));
    builder.for(
      'from',
      0,
      stateQuads,
      (from) => {
        builder.for(
          'i',
          this.local,
          slice * CHUNK,
          (i) => {
            const time = builder.let('time', e.min(e.add(this.tile.first, e.mod(i, CHUNK)), this.last));
            const quad = builder.let('quad', e.add(from, e.div(i, CHUNK)));
            const v = vector(time, clamp(quad));
            left.set(i, stateQuads % slice === 0 ? v : e.select(e.lt(quad, stateQuads), v, ZERO4));
          },
          { step: this.#threads },
        );
        // Row p of the state lies where the invocation that owns column p / 4 finds it next to its neighbours'.
        builder.for(
          'i',
          this.local,
          slice * 4 * columns,
          (i) => {
            const p = builder.let('p', e.div(i, slice));
            const s = builder.let('s', e.mod(i, slice));
            const row = e.min(e.add(e.mul(this.firstQuad, 4), p), width - 1);
            const quad = builder.let('quad', e.add(from, s));
            const h = states.at(this.chunk, e.add(e.mul(this.head, width), row), clamp(quad));
            right.set(e.add(e.add(e.mul(s, 4 * columns), e.mul(e.mod(p, 4), columns)), e.div(p, 4)), h);
          },
          { step: this.#threads },
        );
        builder.barrier();
        builder.for('s', 0, slice, (s) => {
          const rightAt = builder.let('right_at', e.add(e.mul(s, 4 * columns), this.#column));
          const h = [0, 1, 2, 3].map((j) => builder.let('h', right.at(e.add(rightAt, j * columns))));
          const leftAt = builder.let('left_at', e.add(e.mul(s, CHUNK), this.#firstRow));
          this.sums.forEach((sum, i) => {
            const v = builder.let('v', left.at(e.add(leftAt, i)));
            sum.set(e.add(sum.value, e.vector('vec4f', ...h.map((row) => e.dot(v, row)))));
          });
        });
        builder.barrier();
      },
      { step: slice },
    );
  }

  /**
   * Adds Σ_s weight(l, s) vector[s] over the chunk's tokens. Ends in step.
   * @param weight where it is not zero, and its value there
   */
  addWeighted(
    weight: (l: Expression, s: Expression) => { readonly where: Expression; value(): Expression },
    vector: (time: Expression, quad: Expression) => Expression,
  ): void {
    const { builder } = this.scope;
    const [columns, left, right] = [this.#columns, this.#left, this.#right];
    const widthQuads = Math.ceil(this.shape.width / 4);
    builder.for(
      'from',
      0,
      this.tile.count,
      (from) => {
        builder.for(
          'i',
          this.local,
          (SLICE * CHUNK) / 4,
          (i) => {
            const s = builder.let('s', e.add(from, e.mod(i, SLICE)));
            const firstL = builder.let('first_l', e.mul(e.div(i, SLICE), 4));
            const weights = [0, 1, 2, 3].map((lane) => {
              const l = builder.let('l', e.add(firstL, lane));
              const result = builder.variable('weight', 'f32', e.f32(0));
              const { where, value } = weight(l, s);
              builder.if(where, () => result.set(value()));
              return result.value;
            });
            left.set(e.add(e.mul(e.mod(i, SLICE), CHUNK / 4), e.div(i, SLICE)), e.vector('vec4f', ...weights));
          },
          { step: this.#threads },
        );
        builder.for(
          'i',
          this.local,
          SLICE * columns,
          (i) => {
            const time = builder.let('time', e.min(e.add(e.add(this.tile.first, from), e.div(i, columns)), this.last));
            const quad = builder.let('quad', e.min(e.add(this.firstQuad, e.mod(i, columns)), widthQuads - 1));
            right.set(i, vector(time, quad));
          },
          { step: this.#threads },
        );
        builder.barrier();
        builder.for('s', 0, SLICE, (s) => {
          const v = builder.let('v', right.at(e.add(e.mul(s, columns), this.#column)));
          const leftAt = builder.let('left_at', e.add(e.mul(s, CHUNK / 4), e.mul(this.#rowBlock, EACH / 4)));
          for (let four = 0; four < EACH / 4; four++) {
            const weights = builder.let('weights', left.at(e.add(leftAt, four)));
            for (let lane = 0; lane < 4; lane++) {
              const sum = this.sums[four * 4 + lane]!;
              sum.set(e.add(sum.value, e.mul(v, e.component(weights, lane))));
            }
          }
        });
        builder.barrier();
      },
      { step: SLICE },
    );
  }

  /**
   * Σ_p sums[l, p] vector[l, p] of the block's columns, handed to `store` for every token of the chunk. Starts and ends in
   * step.
   */
  dotSums(
    vector: (time: Expression, quad: Expression) => Expression,
    store: (l: Expression, value: Expression) => void,
  ): void {
    const { builder } = this.scope;
    const [columns, right] = [this.#columns, this.#right];
    const widthQuads = Math.ceil(this.shape.width / 4);
    const own = builder.let('own_quad', e.add(this.firstQuad, this.#column));
    const quad = builder.let('quad', e.min(own, widthQuads - 1));
    for (let four = 0; four < EACH / 4; four++) {
      const dots = [0, 1, 2, 3].map((lane) => {
        const i = four * 4 + lane;
        const time = builder.let('time', e.min(e.add(this.tile.first, this.row(i)), this.last));
        const dot = e.dot(this.sums[i]!.value, vector(time, quad));
        return columns * headBlocks(this.shape).blocks === widthQuads
          ? dot
          : e.select(e.lt(own, widthQuads), dot, e.f32(0));
      });
      const at = e.add(e.mul(e.add(e.mul(this.#rowBlock, EACH / 4), four), columns), this.#column);
      right.set(at, e.vector('vec4f', ...dots));
    }
    builder.barrier();
    builder.for(
      'four',
      this.local,
      CHUNK / 4,
      (four) => {
        const total = builder.variable('total', 'vec4f', ZERO4);
        const at = builder.let('at', e.mul(four, columns));
        builder.for('c', 0, columns, (c) => total.set(e.add(total.value, right.at(e.add(at, c)))));
        for (let lane = 0; lane < 4; lane++) {
          const l = builder.let('l', e.add(e.mul(four, 4), lane));
          builder.if(e.lt(l, this.tile.count), () => store(l, e.component(total.value, lane)));
        }
      },
      { step: this.#threads },
    );
    builder.barrier();
  }

  /** Hands every sum of a token of the chunk to `store`, which is written once. */
  storeSums(store: (l: Expression, time: Expression, p: Expression, value: Expression) => void): void {
    const { builder } = this.scope;
    const results = builder.array('results', 'f32', EACH * 4);
    this.sums.forEach((sum, i) => {
      for (let lane = 0; lane < 4; lane++) results.set(i * 4 + lane, e.component(sum.value, lane));
    });
    builder.for('n', 0, EACH * 4, (n) => {
      const l = builder.let('l', e.add(this.#firstRow, e.div(n, 4)));
      const p = builder.let('p', e.add(e.mul(e.add(this.firstQuad, this.#column), 4), e.mod(n, 4)));
      builder.if(e.and(e.lt(l, this.tile.count), e.lt(p, this.shape.width)), () => {
        store(l, builder.let('time', e.add(this.tile.first, l)), p, results.at(n));
      });
    });
  }
}
