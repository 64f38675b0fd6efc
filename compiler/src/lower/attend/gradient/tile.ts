/**
 * Two tiles of 32 rows, their products, and sums of rows weighted by what is made of the products: what every kernel of
 * attention's gradient consists of. 8 × 8 invocations; each holds a block of 4 × 4 products, as fours along the left tile.
 */
import type { KernelBuilder, SharedArray, Variable } from '../../../kernel/build.js';
import * as e from '../../../kernel/expressions.js';
import type { Expression } from '../../../kernel/ir.js';
import type { Coordinates, KernelScope } from '../../scope.js';
import { quadOfSlice, ZERO4 } from '../../quads.js';
import type { RowPart } from './rows.js';

export const TILE = 32;
export const SIDE = 8;
export const THREADS = SIDE * SIDE;
export const EACH = TILE / SIDE;
/** Fours of each row that are staged at a time. */
const SLICE = 4;
const STAGE = 2 * TILE * SLICE;
/** Widest block of a result: four fours of columns an invocation. */
const BLOCK = 4 * SIDE;

/** Where the rows of a tile begin. */
export type RowOf = (index: Expression) => Expression;

export interface TileRows {
  readonly part: RowPart;
  readonly row: RowOf;
}

/** Sums of weighted rows: `sums[i][k]` are row `i` and the invocation's k-th four of columns. */
export interface WeightedSum {
  readonly firstQuad: Expression;
  readonly quads: number;
  readonly sums: readonly (readonly Variable[])[];
}

export interface ColumnBlocks {
  readonly blocks: number;
  /** Fours of a block. */
  readonly quads: number;
}

/** Blocks of columns that a result of `quads` fours is cut into. */
export function columnBlocks(quads: number): ColumnBlocks {
  const blocks = Math.ceil(quads / BLOCK);
  return { blocks, quads: Math.ceil(quads / blocks) };
}

/** The head of a workgroup, called `hint`, and the first four of its block of columns: one after another in the grid. */
export function headAndColumns(
  builder: KernelBuilder,
  hint: string,
  { blocks, quads }: ColumnBlocks,
): { readonly head: Expression; readonly firstQuad: Expression } {
  const workgroup = e.builtin('workgroup_x');
  if (blocks === 1) return { head: workgroup, firstQuad: e.u32(0) };
  return {
    head: builder.let(hint, e.div(workgroup, blocks)),
    firstQuad: builder.let('first_quad', e.mul(e.mod(workgroup, blocks), quads)),
  };
}

export class Tiles {
  readonly local = e.builtin('local_index');
  /** The invocation's rows of the left tile are 4 rowBlock …, of the right one column, column + 8, … */
  readonly rowBlock: Expression;
  readonly column: Expression;
  readonly #stage: SharedArray;

  constructor(readonly scope: KernelScope) {
    const { builder } = scope;
    this.rowBlock = builder.let('row_block', e.div(this.local, SIDE));
    this.column = builder.let('column', e.mod(this.local, SIDE));
    this.#stage = builder.shared('stage', 'vec4f', STAGE);
  }

  /** Row `i` of the invocation's in the left tile, column `j` in the right one. */
  left(i: number): Expression {
    return e.add(e.mul(this.rowBlock, EACH), i);
  }
  right(j: number): Expression {
    return e.add(this.column, j * SIDE);
  }

  /** The invocation's block of left · right: result `j` is a four over its left rows. Starts and ends in step. */
  products(hint: string, left: TileRows, right: TileRows): readonly Expression[] {
    const { builder } = this.scope;
    const stage = this.#stage;
    const { quads } = left.part;
    const slice = Math.min(SLICE, quads);
    const half = slice * TILE;
    const sums = Array.from({ length: EACH }, () => builder.variable(hint, 'vec4f', ZERO4));
    builder.for(
      'from',
      0,
      quads,
      (from) => {
        builder.for(
          'i',
          this.local,
          half,
          (i) => {
            const index = builder.let('index', e.mod(i, TILE));
            const { inside, orZero } = quadOfSlice(builder, quads, slice, e.add(from, e.div(i, TILE)));
            stage.set(i, orZero(left.part.at(left.row(index), inside)));
            stage.set(e.add(i, half), right.part.at(right.row(index), inside));
          },
          { step: THREADS },
        );
        builder.barrier();
        builder.for('s', 0, slice, (s) => {
          const leftAt = builder.let('left_at', e.add(e.mul(s, TILE), e.mul(this.rowBlock, EACH)));
          const rightAt = builder.let('right_at', e.sum(e.mul(s, TILE), this.column, half));
          const own = Array.from({ length: EACH }, (_, i) => builder.let('own', stage.at(e.add(leftAt, i))));
          sums.forEach((sum, j) => {
            const other = builder.let('other', stage.at(e.add(rightAt, j * SIDE)));
            sum.set(e.add(sum.value, e.vector('vec4f', ...own.map((row) => e.dot(row, other)))));
          });
        });
        builder.barrier();
      },
      { step: slice },
    );
    return sums.map((sum) => sum.value);
  }

  /** Workgroup memory for what is made of the products: [right row, left block], fours over the left rows. */
  weights(hint: string): SharedArray {
    return this.scope.builder.shared(hint, 'vec4f', TILE * SIDE);
  }
  setWeight(weights: SharedArray, j: number, value: Expression): void {
    weights.set(e.add(e.mul(this.right(j), SIDE), this.rowBlock), value);
  }

  sum(hint: string, firstQuad: Expression, quads: number): WeightedSum {
    const fours = Math.ceil(quads / SIDE);
    const sums = Array.from({ length: EACH }, () =>
      Array.from({ length: fours }, () => this.scope.builder.variable(hint, 'vec4f', ZERO4)),
    );
    return { firstQuad, quads, sums };
  }

  /** Adds weights × rows of the right tile to the sum. Weights must be known to all; ends in step. */
  accumulate({ firstQuad, quads, sums }: WeightedSum, weights: SharedArray, right: TileRows): void {
    const { builder } = this.scope;
    const stage = this.#stage;
    const slice = Math.min(TILE, 2 ** Math.floor(Math.log2(STAGE / quads)));
    builder.for(
      'from',
      0,
      TILE,
      (from) => {
        builder.for(
          'i',
          this.local,
          slice * quads,
          (i) => {
            const index = builder.let('index', e.add(from, e.div(i, quads)));
            const quad = e.min(e.add(firstQuad, e.mod(i, quads)), right.part.quads - 1);
            stage.set(i, right.part.at(right.row(index), builder.let('quad', quad)));
          },
          { step: THREADS },
        );
        builder.barrier();
        builder.for('n', 0, slice, (n) => {
          const at = builder.let('weight_at', e.add(e.mul(e.add(from, n), SIDE), this.rowBlock));
          const weight = builder.let('weight', weights.at(at));
          const rowAt = builder.let('row_at', e.mul(n, quads));
          const fours = sums[0]!.map((_, k) => {
            const four = this.right(k);
            // Columns past the end are summed for nothing and never stored.
            return builder.let('four', stage.at(e.add(rowAt, (k + 1) * SIDE <= quads ? four : e.min(four, quads - 1))));
          });
          sums.forEach((row, i) => {
            row.forEach((s, k) => s.set(e.add(s.value, e.mul(fours[k]!, e.component(weight, i)))));
          });
        });
        builder.barrier();
      },
      { step: slice },
    );
  }

  /** Hands a sum's elements to `store`, which is written once. */
  store(
    { firstQuad, quads, sums }: WeightedSum,
    width: number,
    count: Expression,
    store: (index: Expression, column: Expression, value: Expression) => void,
  ): void {
    const { builder } = this.scope;
    const perRow = sums[0]!.length * 4;
    const results = builder.array('results', 'f32', EACH * perRow);
    sums.forEach((row, i) => {
      row.forEach((s, k) => {
        for (let lane = 0; lane < 4; lane++) results.set(i * perRow + k * 4 + lane, e.component(s.value, lane));
      });
    });
    builder.for('n', 0, EACH * perRow, (n) => {
      const index = builder.let('index', e.add(e.mul(this.rowBlock, EACH), e.div(n, perRow)));
      const own = perRow === 4 ? this.column : e.add(this.column, e.mul(e.div(e.mod(n, perRow), 4), SIDE));
      const quad = builder.let('quad', own);
      const column = builder.let('result_column', e.add(e.mul(e.add(firstQuad, quad), 4), e.mod(n, 4)));
      const inside = e.and(e.lt(index, count), e.and(e.lt(quad, quads), e.lt(column, width)));
      builder.if(inside, () => store(index, column, results.at(n)));
    });
  }
}

/** Coordinates of an element of a tensor [time, heads, width]. */
export function elementOf(
  type: { readonly dims: readonly { readonly name: string }[] },
  time: Expression,
  head: Expression,
  column: Expression,
): Coordinates {
  return { time, [type.dims[1]!.name]: head, [type.dims[2]!.name]: column };
}
