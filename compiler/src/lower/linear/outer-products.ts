/**
 * Sums of outer products, which gradients of linear maps are: result[line, column] = Σ left[step, line] · right[step, column].
 * The right factor is read by fours of columns, as it lies. The left one is read by fours too, and these are of steps or of
 * lines, as it lies. Steps are added up in order. All variants make a tile of the same size in a workgroup.
 */
import type { KernelBuilder, Variable } from '../../kernel/build.js';
import * as e from '../../kernel/expressions.js';
import type { Expression, Feature } from '../../kernel/ir.js';
import { ZERO4 } from '../quads.js';

/** Lines of a workgroup's tile, and fours of columns. */
export const TILE_LINES = 64;
export const TILE_QUADS = 16;

export interface OuterProducts {
  readonly builder: KernelBuilder;
  readonly lines: Expression;
  /** Fours of columns; those past the end are dropped. */
  readonly quads: number;
  /** Steps from `first` to before `end`; `first` is a multiple of four. */
  readonly first: Expression;
  readonly end: Expression;
  /** What a four of the left factor is of: four steps of a line, or four lines of a step. */
  readonly fours: 'steps' | 'lines';
  /** By line and four of steps (zero past the last step), or by step and four of lines. */
  left(outer: Expression, four: Expression): Expression;
  right(step: Expression, quad: Expression): Expression;
  store(line: Expression, quad: Expression, sum: Expression): void;
}

export interface OuterProductsVariant {
  readonly requires: readonly Feature[];
  readonly workgroupSize: readonly [number, number, number];
  emit(product: OuterProducts): void;
}

/** Best first; see `matmul-tiled.ts`, `matmul-subgroup.ts` and `matmul.ts`, which the same devices take for the same reasons. */
export const OUTER_PRODUCTS: readonly OuterProductsVariant[] = [
  { requires: ['hardware'], workgroupSize: [16, 16, 1], emit: throughTiles },
  { requires: ['subgroups'], workgroupSize: [8, 1, 1], emit: handedRound },
  { requires: [], workgroupSize: [8, 8, 1], emit: inRegisters },
];

const count = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i);

/** Steps that a four of the left factor takes, and lines. */
const shapeOf = ({ fours }: OuterProducts): { readonly steps: number; readonly lines: number } =>
  fours === 'steps' ? { steps: 4, lines: 1 } : { steps: 1, lines: 4 };

/** Where a line past the end reads the left factor: as the last line does. */
function clampedLines(
  { builder, lines, fours }: OuterProducts,
  first: Expression,
  offset: Expression | number,
): Expression {
  const last = fours === 'steps' ? e.sub(lines, 1) : e.sub(e.ceilDiv(lines, 4), 1);
  return builder.let('line', e.min(e.add(first, offset), last));
}

const clampedQuad = ({ builder, quads }: OuterProducts, quad: Expression): Expression =>
  builder.let('column4', e.min(quad, quads - 1));

/** A turn of the loop over steps: one, or four of which those past the end have a left factor of zero. */
function turns(
  product: OuterProducts,
  body: (turn: Expression, right: (step: number, quad: Expression) => Expression) => void,
): void {
  const { builder, first, end } = product;
  const { steps } = shapeOf(product);
  if (steps === 1) {
    builder.for('step', first, end, (step) => body(step, (_, quad) => product.right(step, quad)));
    return;
  }
  builder.for('step4', e.div(first, 4), e.ceilDiv(end, 4), (step4) => {
    const own = count(steps).map((j) => builder.let(`step_${j}`, e.min(e.add(e.mul(step4, steps), j), e.sub(end, 1))));
    body(step4, (j, quad) => product.right(own[j]!, quad));
  });
}

/** Left fours by place, read or handed over. */
const leftAt = (product: OuterProducts, place: Expression, turn: Expression): Expression =>
  product.fours === 'steps' ? product.left(place, turn) : product.left(turn, place);

/** An invocation's sums, [lines][fours of columns]. */
type Sums = readonly (readonly Variable[])[];

function zeroSums(builder: KernelBuilder, lines: number, quads: number): Sums {
  return count(lines).map((l) => count(quads).map((q) => builder.variable(`sum_${l}_${q}`, 'vec4f', ZERO4)));
}

/** Adds what a four of the left factor makes of the rows of the right one. */
function addFour(
  product: OuterProducts,
  sums: Sums,
  f: number,
  four: Expression,
  right: readonly (readonly Expression[])[],
): void {
  const shape = shapeOf(product);
  for (let lane = 0; lane < 4; lane++) {
    const [line, step] = shape.steps === 1 ? [4 * f + lane, 0] : [f, lane];
    right[step]!.forEach((row, q) => {
      const sum = sums[line]![q]!;
      sum.set(e.add(sum.value, e.mul(row, e.component(four, lane))));
    });
  }
}

/** What an invocation makes: lines and fours of columns side by side. The right factor is read at `columns`, none past the end. */
interface RegisterTile {
  readonly firstLine: Expression;
  readonly lines: number;
  readonly firstQuad: Expression;
  readonly columns: readonly Expression[];
}

/** Makes a tile whose sums are in registers. `leftOf`: the left fours of the tile's lines in a turn. */
function sumInRegisters(
  product: OuterProducts,
  { firstLine, lines, firstQuad, columns }: RegisterTile,
  leftOf: (turn: Expression) => (f: number) => Expression,
): void {
  const { builder } = product;
  const shape = shapeOf(product);
  const sums = zeroSums(builder, lines, columns.length);
  turns(product, (turn, rightOf) => {
    const right = count(shape.steps).map((j) =>
      columns.map((quad, q) => builder.let(`right_${j}_${q}`, rightOf(j, quad))),
    );
    const left = leftOf(turn);
    for (let f = 0; f < lines / shape.lines; f++) addFour(product, sums, f, builder.let(`left_${f}`, left(f)), right);
  });
  storeSums(
    product,
    sums,
    (line) => e.add(firstLine, line),
    (quad) => e.add(firstQuad, quad),
  );
}

function inRegisters(product: OuterProducts): void {
  const { builder } = product;
  const [lines, quads, side] = [8, 2, 8];
  const shape = shapeOf(product);
  const invocation = (x: Expression, y: Expression): Expression => e.add(e.mul(x, side), y);
  const firstLine = builder.let('first_line', e.mul(invocation(e.builtin('workgroup_y'), e.builtin('local_y')), lines));
  const firstQuad = builder.let('first_quad', e.mul(invocation(e.builtin('workgroup_x'), e.builtin('local_x')), quads));
  // Tiles stand over the ends: what lies past them need not be computed.
  builder.if(e.and(e.lt(firstLine, product.lines), e.lt(firstQuad, product.quads)), () => {
    const firstFour = e.div(firstLine, shape.lines);
    const places = count(lines / shape.lines).map((f) => clampedLines(product, firstFour, f));
    const columns = count(quads).map((q) => clampedQuad(product, e.add(firstQuad, q)));
    sumInRegisters(
      product,
      { firstLine, lines, firstQuad, columns },
      (turn) => (f) => leftAt(product, places[f]!, turn),
    );
  });
}

function handedRound(product: OuterProducts): void {
  const { builder } = product;
  const [lines, quads, lanes] = [16, 2, 4];
  const shape = shapeOf(product);
  const firstQuad = builder.let(
    'first_quad',
    e.add(e.mul(e.builtin('workgroup_x'), TILE_QUADS), e.mul(e.builtin('local_index'), quads)),
  );
  const lane = builder.let('lane', e.min(e.builtin('subgroup_lane'), lanes - 1));
  const columns = count(quads).map((q) => clampedQuad(product, e.add(firstQuad, q)));
  builder.for('pass', 0, TILE_LINES / lines, (pass) => {
    const firstLine = builder.let('first_line', e.add(e.mul(e.builtin('workgroup_y'), TILE_LINES), e.mul(pass, lines)));
    builder.if(e.lt(firstLine, product.lines), () => {
      const firstFour = e.div(firstLine, shape.lines);
      const places = count(lines / shape.lines / lanes).map((i) =>
        clampedLines(product, firstFour, e.add(lane, lanes * i)),
      );
      sumInRegisters(product, { firstLine, lines, firstQuad, columns }, (turn) => {
        const own = places.map((place, i) => builder.let(`own_${i}`, leftAt(product, place, turn)));
        return (f) => e.subgroup('broadcast', own[Math.floor(f / lanes)]!, f % lanes);
      });
    });
  });
}

function throughTiles(product: OuterProducts): void {
  const { builder } = product;
  const [side, steps, lines] = [16, 16, 4];
  const shape = shapeOf(product);
  const [x, y, local] = [e.builtin('local_x'), e.builtin('local_y'), e.builtin('local_index')];
  const firstLine = builder.let('first_line', e.mul(e.builtin('workgroup_y'), TILE_LINES));
  const firstQuad = builder.let('first_quad', e.mul(e.builtin('workgroup_x'), TILE_QUADS));
  const leftTile = builder.shared('left_tile', 'vec4f', (TILE_LINES * steps) / 4);
  const rightTile = builder.shared('right_tile', 'vec4f', TILE_QUADS * steps);

  builder.comment(
    'each invocation brings one load of four of either tile; steps past the end have a left factor of zero',
  );
  const step = builder.let('own_step', e.div(local, TILE_QUADS));
  const column = clampedQuad(product, e.add(firstQuad, e.mod(local, TILE_QUADS)));
  // Invocations side by side read what lies side by side.
  const [turn, place] =
    shape.steps === 1 ? [step, e.mod(local, TILE_LINES / 4)] : [e.mod(local, steps / 4), e.div(local, steps / 4)];
  const ownTurn = builder.let('own_turn', turn);
  const ownPlace = builder.let('own_place', place);
  const line = clampedLines(product, e.div(firstLine, shape.lines), ownPlace);
  const slot = builder.let('slot', e.add(e.mul(ownTurn, TILE_LINES / shape.lines), ownPlace));
  const lastTurn = builder.let('last_turn', e.sub(e.ceilDiv(product.end, shape.steps), 1));
  const sums = zeroSums(builder, lines, 1);

  builder.for(
    'k',
    product.first,
    product.end,
    (k) => {
      const own = builder.let('clamped_step', e.min(e.add(k, step), e.sub(product.end, 1)));
      rightTile.set(local, product.right(own, column));
      const at = builder.let('turn', e.add(e.div(k, shape.steps), ownTurn));
      const four = leftAt(product, line, builder.let('clamped', e.min(at, lastTurn)));
      leftTile.set(slot, e.select(e.le(at, lastTurn), four, ZERO4));
      builder.barrier();
      builder.for('t', 0, steps / shape.steps, (t) => {
        const right = count(shape.steps).map((j) => [
          builder.let(`right_${j}`, rightTile.at(e.add(e.mul(e.add(e.mul(t, shape.steps), j), TILE_QUADS), x))),
        ]);
        for (let f = 0; f < lines / shape.lines; f++) {
          const at = e.sum(e.mul(t, TILE_LINES / shape.lines), y, side * f);
          addFour(product, sums, f, builder.let(`left_${f}`, leftTile.at(at)), right);
        }
      });
      builder.barrier();
    },
    { step: steps },
  );

  const lineOf = (l: Expression): Expression =>
    shape.lines === 1 ? e.sum(firstLine, y, e.mul(l, side)) : e.sum(firstLine, e.mul(y, 4), l);
  storeSums(product, sums, lineOf, (quad) => e.sum(firstQuad, x, quad));
}

/** A loop, because written out the store would be most of the kernel's text. */
function storeSums(
  { builder, lines, quads, store }: OuterProducts,
  sums: Sums,
  lineOf: (l: Expression) => Expression,
  quadOf: (q: Expression) => Expression,
): void {
  const across = sums[0]!.length;
  const tile = builder.array('tile', 'vec4f', sums.length * across);
  sums.forEach((row, l) => row.forEach((sum, q) => tile.set(l * across + q, sum.value)));
  builder.for('l', 0, sums.length, (l) => {
    const line = builder.let('line', lineOf(l));
    builder.for('q', 0, across, (q) => {
      const quad = builder.let('quad', quadOf(q));
      builder.if(e.and(e.lt(line, lines), e.lt(quad, quads)), () =>
        store(line, quad, tile.at(e.add(e.mul(l, across), q))),
      );
    });
  });
}
