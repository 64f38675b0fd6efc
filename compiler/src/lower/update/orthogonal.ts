/**
 * Muon's orthogonalised momentum: the directions of a batch of matrices of one shape are gathered, [matrix][rows][columns]
 * with no more rows than columns (taller ones lie transposed) and padded with zeros to fours, and Newton-Schulz iterations
 * are products over the whole batch. Sums have a fixed order.
 */
import { SETTINGS } from '@hyb/runtime';
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import { LEAST_NORM, NEWTON_SCHULZ } from '../../numeric/newton-schulz.js';
import type { KernelCall } from '../call.js';
import { joined, overFours, THREADS, total, UpdateKernel } from './elements.js';
import { Moments, rowTable } from './moments.js';
import type { MomentFormat } from './moments.js';

const SIDE = 8;
/** Rows that an invocation makes of a product, and fours of columns. */
const ROWS = 4;
const COLUMN_QUADS = 2;

/** Four elements of a parameter's rows in a part of a matrix, an invocation each. */
interface OwnRows {
  /** Counted among the parameter's rows in the part. */
  readonly row: Expression;
  readonly quad: Expression;
  readonly count: Expression;
  /** Counted among all of the part. */
  readonly partRow: Expression;
  readonly index: Expression;
}

export function ownRows(kernel: UpdateKernel): OwnRows {
  const { builder } = kernel;
  const count = kernel.uniform('row_count', "the parameter's rows in the part");
  const perRow = kernel.uniform('row_quads', 'fours of a row');
  const first = kernel.uniform('own_row', 'the first of them in the part');
  const step = kernel.uniform('row_step', 'from one to the next');
  const at = kernel.invocation;
  const row = builder.let('row', e.div(at, perRow));
  const quad = builder.let('quad', e.mod(at, perRow));
  const partRow = builder.let('part_row', e.add(first, e.mul(row, step)));
  return { row, quad, count, partRow, index: builder.let('own', e.add(e.mul(partRow, perRow), quad)) };
}

/** Where one of the four elements is in the batch. */
export function matrixPlace(kernel: UpdateKernel, { row, quad }: OwnRows): (lane: number) => Expression {
  const first = kernel.uniform('target_first', 'where the first row begins in the batch');
  const rowPitch = kernel.uniform('target_row', 'elements from row to row there');
  const pitch = kernel.uniform('target_column', 'elements from column to column there');
  const start = e.add(first, e.mul(row, rowPitch));
  return (lane) => e.add(start, e.mul(e.add(e.mul(quad, 4), lane), pitch));
}

/** The running mean of gradients of a parameter's rows, and from it their direction. Rows that only pad are zero. */
export function momentum(format: MomentFormat): KernelCall {
  const kernel = new UpdateKernel();
  const { builder } = kernel;
  const settings = kernel.table('settings', 'f32', 'read', 'of the step');
  const totals = kernel.table('totals', 'u32', 'read', 'of the step');
  const gradients = kernel.table('gradient', 'vec4f', 'read', 'gradient');
  const target = kernel.table('product', 'f32', 'read_write', 'directions');
  const own = ownRows(kernel);
  const at = matrixPlace(kernel, own);
  const padded = kernel.uniform('padded_count', 'rows with those that pad');
  // Rows have no random numbers where nothing is rounded.
  const streamOf = format === 'f32' ? () => e.u32(0) : streamsOf(kernel, own);
  builder.if(e.lt(own.row, padded), () => {
    const direction = builder.variable('direction', 'vec4f', e.vector('vec4f', 0));
    builder.if(e.and(e.lt(own.row, own.count), e.eq(total(totals, 'notFinite'), 0)), () => {
      const beta = builder.let('beta', settings.at(SETTINGS.momentum));
      const g = builder.let('g', e.mul(gradients.at(own.index), total(totals, 'factor')));
      const share = builder.let('share', e.mul(g, e.sub(e.f32(1), beta)));
      const moments = new Moments(kernel, settings, format, own.index, () => own.quad, streamOf());
      const first = moments.of('first', 'running mean of gradients');
      const mean = builder.let('mean', e.add(e.mul(first.value, beta), share));
      first.set(mean);
      const ahead = e.add(share, e.mul(mean, beta));
      direction.set(e.select(e.gt(settings.at(SETTINGS.nesterov), 0), ahead, mean));
    });
    for (let lane = 0; lane < 4; lane++) target.set(at(lane), e.component(direction.value, lane));
  });
  const name = format === 'f32' ? 'orthogonal_momentum' : `orthogonal_momentum_${format}_state`;
  return kernel.finish(name, 'Momentum of matrices, and its direction.');
}

function streamsOf(kernel: UpdateKernel, { partRow }: OwnRows): () => Expression {
  const settings = rowTable(kernel, 'bf16');
  const firstRow = kernel.uniform('first_row', 'first row of the part');
  return () => settings(e.add(firstRow, partRow)).stream;
}

/** The fours of an invocation in a block of a matrix: matrices are along z, blocks of each along x and y. */
function overMatrixBlock(kernel: UpdateKernel) {
  const { builder } = kernel;
  const quads = kernel.uniform('quad_count', 'fours of a matrix');
  const blocks = kernel.uniform('block_count', 'blocks of a matrix');
  const block = kernel.workgroup;
  const matrix = e.builtin('workgroup_z');
  const fours = overFours(builder, block, quads);
  const base = builder.let('base', e.mul(matrix, quads));
  const each = (visit: (i: Expression) => void): void => fours.each((i) => visit(e.add(base, i)));
  return { each, block, blocks, firstPartial: builder.let('first_partial', e.mul(matrix, blocks)) };
}

/** Sum of squares of each block. */
export function squaresOfMatrices(): KernelCall {
  const kernel = new UpdateKernel();
  const { builder } = kernel;
  const matrices = kernel.table('left', 'vec4f', 'read', 'directions');
  const partials = kernel.table('partials', 'f32', 'read_write', 'sum of squares of each block');
  const { each, block, blocks, firstPartial } = overMatrixBlock(kernel);
  const sum = builder.variable('sum', 'f32', e.f32(0));
  each((i) => {
    const four = builder.let('four', matrices.at(i));
    sum.set(e.add(sum.value, e.dot(four, four)));
  });
  const all = joined(builder, 'squares', sum.value);
  builder.if(e.and(e.eq(e.builtin('local_index'), 0), e.lt(block, blocks)), () =>
    partials.set(e.add(firstPartial, block), all),
  );
  return kernel.finish('orthogonal_squares', 'Sum of squares of each block of matrices.');
}

/** Divides matrices by their norms, which every workgroup adds up for itself. */
export function normalise(): KernelCall {
  const kernel = new UpdateKernel();
  const { builder } = kernel;
  const matrices = kernel.table('product', 'vec4f', 'read_write', 'directions');
  const partials = kernel.table('partials', 'f32', 'read', 'sum of squares of each block');
  const { each, blocks, firstPartial } = overMatrixBlock(kernel);
  const sum = builder.variable('sum', 'f32', e.f32(0));
  builder.for(
    'b',
    e.builtin('local_index'),
    blocks,
    (b) => sum.set(e.add(sum.value, partials.at(e.add(firstPartial, b)))),
    { step: THREADS },
  );
  const norm = e.max(e.call('sqrt', joined(builder, 'squares', sum.value)), LEAST_NORM);
  const factor = builder.let('factor', e.div(e.f32(1), norm));
  each((i) => matrices.set(i, e.mul(matrices.at(i), factor)));
  return kernel.finish('orthogonal_normalise', 'Divides matrices by their norms.');
}

/** Sizes of a product of a batch, and the invocation's tile of it. */
function productTile(kernel: UpdateKernel, columnsOfTile: number) {
  const { builder } = kernel;
  const rows = kernel.uniform('row_count', 'rows of a product, a multiple of four');
  const quads = kernel.uniform('column_quads', 'fours of its columns');
  const depth = kernel.uniform('depth_quads', 'fours of what each element is a sum over');
  const matrix = e.builtin('workgroup_z');
  const at = (group: Expression, local: Expression): Expression => e.add(e.mul(group, SIDE), local);
  const quad = builder.let('quad', e.mul(at(e.builtin('workgroup_x'), e.builtin('local_x')), columnsOfTile));
  const row = builder.let('row', e.mul(at(e.builtin('workgroup_y'), e.builtin('local_y')), ROWS));
  const inside = e.and(e.lt(row, rows), e.lt(quad, quads));
  return { builder, rows, quads, depth, matrix, row, quad, inside };
}

/** Sums over the rows of two matrices: LRᵀ, and with `addend` a multiple of that matrix more. */
function timesTransposed(name: string, doc: string, factor: number, addendFactor?: number): KernelCall {
  const kernel = new UpdateKernel();
  const left = kernel.table('left', 'vec4f', 'read', 'L');
  const right = kernel.table('right', 'vec4f', 'read', 'R');
  const addend = addendFactor === undefined ? undefined : kernel.table('addend', 'vec4f', 'read', 'A');
  const target = kernel.table('product', 'vec4f', 'read_write', doc);
  const { builder, rows, quads, depth, matrix, row, quad, inside } = productTile(kernel, 1);
  builder.if(inside, () => {
    const leftStart = builder.let('left_start', e.mul(e.add(e.mul(matrix, rows), row), depth));
    const rightStart = builder.let('right_start', e.mul(e.mul(e.add(e.mul(matrix, quads), quad), 4), depth));
    const sums = Array.from({ length: ROWS }, (_, r) =>
      Array.from({ length: 4 }, (_c, c) => builder.variable(`sum_${r}_${c}`, 'f32', e.f32(0))),
    );
    builder.for('k', 0, depth, (k) => {
      const lines = (start: Expression, buffer: typeof left, hint: string): readonly Expression[] =>
        [0, 1, 2, 3].map((i) => builder.let(`${hint}_${i}`, buffer.at(e.add(start, e.add(e.mul(depth, i), k)))));
      const l = lines(leftStart, left, 'l');
      const r = lines(rightStart, right, 'r');
      sums.forEach((line, i) => line.forEach((sum, j) => sum.set(e.add(sum.value, e.dot(l[i]!, r[j]!)))));
    });
    sums.forEach((line, i) => {
      const place = builder.let('place', e.add(e.mul(e.add(e.mul(matrix, rows), e.add(row, i)), quads), quad));
      const four = e.vector('vec4f', ...line.map((sum) => sum.value));
      const scaled = factor === 1 ? four : e.mul(four, factor);
      target.set(place, addend ? e.add(e.mul(addend.at(place), addendFactor!), scaled) : scaled);
    });
  });
  return kernel.finish(name, doc, [SIDE, SIDE, 1]);
}

/** XXᵀ. */
export function gram(): KernelCall {
  return timesTransposed('orthogonal_gram', 'Products of the rows of each matrix.', 1);
}

/** b A + c AAᵀ, where A is symmetric. */
export function polynomial(): KernelCall {
  return timesTransposed('orthogonal_polynomial', 'Polynomial of those products.', NEWTON_SCHULZ.c, NEWTON_SCHULZ.b);
}

/** a X + BX. */
export function product(): KernelCall {
  const kernel = new UpdateKernel();
  const left = kernel.table('left', 'vec4f', 'read', 'B [rows, rows]');
  const right = kernel.table('right', 'vec4f', 'read', 'X [rows, columns]');
  const target = kernel.table('product', 'vec4f', 'read_write', 'a X + BX');
  const { builder, rows, quads, depth, matrix, row, quad, inside } = productTile(kernel, COLUMN_QUADS);
  builder.if(inside, () => {
    const leftStart = builder.let('left_start', e.mul(e.add(e.mul(matrix, rows), row), depth));
    const base = builder.let('base', e.mul(e.mul(matrix, rows), quads));
    // A four past the end repeats the last one; its sums are dropped.
    const columns = Array.from({ length: COLUMN_QUADS }, (_, q) =>
      builder.let(`column_${q}`, e.min(e.add(quad, q), e.sub(quads, 1))),
    );
    const zero = e.vector('vec4f', 0);
    const sums = Array.from({ length: ROWS }, (_, r) =>
      columns.map((_q, q) => builder.variable(`sum_${r}_${q}`, 'vec4f', zero)),
    );
    builder.for('k', 0, depth, (k) => {
      const l = sums.map((_, i) => builder.let(`l_${i}`, left.at(e.add(leftStart, e.add(e.mul(depth, i), k)))));
      for (let lane = 0; lane < 4; lane++) {
        const line = builder.let(`line_${lane}`, e.add(base, e.mul(e.add(e.mul(k, 4), lane), quads)));
        const x = columns.map((column, q) => builder.let(`x_${lane}_${q}`, right.at(e.add(line, column))));
        sums.forEach((own, i) =>
          own.forEach((sum, q) => sum.set(e.add(sum.value, e.mul(x[q]!, e.component(l[i]!, lane))))),
        );
      }
    });
    sums.forEach((own, i) => {
      const line = builder.let('line', e.add(base, e.mul(e.add(row, i), quads)));
      own.forEach((sum, q) => {
        builder.if(e.lt(e.add(quad, q), quads), () => {
          const place = builder.let('place', e.add(line, columns[q]!));
          target.set(place, e.add(e.mul(right.at(place), NEWTON_SCHULZ.a), sum.value));
        });
      });
    });
  });
  return kernel.finish('orthogonal_product', 'A step of Newton-Schulz iterations.', [SIDE, SIDE, 1]);
}
