/**
 * Lanczos on WᵀW in one workgroup (Golub & Van Loan, §10.1), the largest eigenvalue of the tridiagonal matrix by bisection with
 * Sturm's sequence, and its eigenvector. Extreme eigenvalues converge first.
 */
import type { Buffer, KernelBuilder, SharedArray } from '../../kernel/build.js';
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import { knownByTree } from '../workgroup-tree.js';

export const THREADS = 256;
const STEPS = 48;
const BISECTIONS = 48;
/** Invocations that share a product of vectors. */
const SHARERS = Math.floor(THREADS / STEPS);

export interface LanczosMatrix {
  readonly rows: number;
  readonly columns: number;
  /** Elements 4 * four … of a row, zero past its end. */
  at(row: Expression, four: Expression): Expression;
}

export interface LanczosVectors {
  /** The vector of a step, then the next; as many elements as the columns, in fours. */
  readonly direction: Buffer;
  readonly residual: Buffer;
  /** W times the vector: as many elements as rows. */
  readonly image: Buffer;
  /**
   * Every vector [step, columns in fours]; new ones are then made orthogonal to all before. Without, loss of orthogonality
   * only repeats eigenvalues.
   */
  readonly all?: Buffer;
}

export class Lanczos {
  readonly steps: number;
  readonly columns4: number;
  readonly #local = e.builtin('local_index');
  readonly #partial: SharedArray;
  readonly #diagonal: SharedArray;
  readonly #offDiagonal: SharedArray;

  constructor(
    readonly builder: KernelBuilder,
    readonly matrix: LanczosMatrix,
    readonly vectors: LanczosVectors,
  ) {
    this.steps = lanczosSteps(matrix);
    this.columns4 = Math.ceil(matrix.columns / 4);
    this.#partial = builder.shared('partial', 'f32', THREADS);
    this.#diagonal = builder.shared('diagonal', 'f32', this.steps);
    this.#offDiagonal = builder.shared('off_diagonal', 'f32', this.steps);
  }

  /** Sum over the workgroup, known to all. */
  total(value: Expression): Expression {
    return knownByTree(this.builder, this.#partial, THREADS, 'sum', value, e.add);
  }

  /** Own elements: those of every THREADS-th group of four columns. The padding stays zero. */
  ownColumns(body: (i: Expression) => void): void {
    const { builder } = this;
    builder.for(
      'c',
      this.#local,
      this.columns4,
      (c) => {
        for (let lane = 0; lane < 4; lane++) body(builder.let('i', e.add(e.mul(c, 4), lane)));
      },
      { step: THREADS },
    );
  }

  /** image = W direction. Starts in step, ends with what it wrote seen by all. */
  multiply(): void {
    const { builder, matrix } = this;
    const { direction, image } = this.vectors;
    builder.for(
      'r',
      this.#local,
      matrix.rows,
      (r) => {
        const sum = builder.variable('product', 'f32', e.f32(0));
        builder.for('c', 0, this.columns4, (c) => {
          const at = builder.let('at', e.mul(c, 4));
          const v = e.vector('vec4f', ...[0, 1, 2, 3].map((lane) => direction.at(e.add(at, lane))));
          sum.set(e.add(sum.value, e.dot(matrix.at(r, c), v)));
        });
        image.set(r, sum.value);
      },
      { step: THREADS },
    );
    builder.barrier({ storage: true });
  }

  run(): void {
    const { builder, matrix } = this;
    const { direction, residual, image, all } = this.vectors;
    const local = this.#local;
    builder.comment('a start without structure');
    const square = builder.variable('square', 'f32', e.f32(0));
    this.ownColumns((i) => {
      const wave = e.add(e.mul(e.call('sin', e.add(e.mul(e.convert('f32', e.mod(i, 1024)), 2.399963), 1)), 0.5), 1);
      const start = builder.let('value', e.select(e.lt(i, matrix.columns), wave, e.f32(0)));
      direction.set(i, start);
      residual.set(i, e.f32(0));
      square.set(e.add(square.value, e.mul(start, start)));
    });
    const scale = builder.let('scale', e.call('rsqrt', this.total(square.value)));
    this.ownColumns((i) => direction.set(i, e.mul(direction.at(i), scale)));
    builder.barrier({ storage: true });

    const beta = builder.variable('beta', 'f32', e.f32(0));
    builder.for('step', 0, this.steps, (step) => {
      this.multiply();
      const along = builder.variable('along', 'f32', e.f32(0));
      builder.for(
        'c',
        local,
        this.columns4,
        (c) => {
          const sum = builder.variable('column_sums', 'vec4f', e.vector('vec4f', 0));
          builder.for('r', 0, matrix.rows, (r) => sum.set(e.add(sum.value, e.mul(matrix.at(r, c), image.at(r)))));
          for (let lane = 0; lane < 4; lane++) {
            const i = builder.let('i', e.add(e.mul(c, 4), lane));
            const next = builder.let('next', e.sub(e.component(sum.value, lane), e.mul(beta.value, residual.at(i))));
            residual.set(i, next);
            along.set(e.add(along.value, e.mul(next, direction.at(i))));
          }
        },
        { step: THREADS },
      );
      const alpha = this.total(along.value);
      if (all) this.#orthogonalise(all, step);
      const rest = builder.variable('rest', 'f32', e.f32(0));
      this.ownColumns((i) => {
        const own = all ? residual.at(i) : e.sub(residual.at(i), e.mul(alpha, direction.at(i)));
        const next = builder.let('next', own);
        if (!all) residual.set(i, next);
        rest.set(e.add(rest.value, e.mul(next, next)));
      });
      const length = builder.let('length', e.call('sqrt', this.total(rest.value)));
      beta.set(length);
      builder.if(e.eq(local, 0), () => {
        this.#diagonal.set(step, alpha);
        this.#offDiagonal.set(step, length);
      });
      const inverse = builder.let(
        'inverse',
        e.select(e.gt(length, e.mul(alpha, 1e-7)), e.div(e.f32(1), e.max(length, 1e-30)), e.f32(0)),
      );
      this.ownColumns((i) => {
        const old = builder.let('old', direction.at(i));
        direction.set(i, e.mul(residual.at(i), inverse));
        residual.set(i, old);
      });
      builder.barrier({ storage: true });
    });
  }

  /**
   * Keeps the step's vector, and takes from the residual what lies along any so far: all products first, some invocations for
   * each vector, which takes few barriers. Twice is enough (Parlett).
   */
  #orthogonalise(all: Buffer, step: Expression): void {
    const { builder } = this;
    const { direction, residual } = this.vectors;
    const local = this.#local;
    const width = 4 * this.columns4;
    const start = builder.let('own_vector', e.mul(step, width));
    this.ownColumns((i) => all.set(e.add(start, i), direction.at(i)));
    const earlier = builder.let('earlier', e.div(local, SHARERS));
    const vector = builder.let('vector', e.mul(earlier, width));
    builder.barrier({ storage: true });
    builder.for('again', 0, 2, () => {
      builder.if(e.le(earlier, step), () => {
        const part = builder.variable('part', 'f32', e.f32(0));
        builder.for(
          'i',
          e.mod(local, SHARERS),
          width,
          (i) => part.set(e.add(part.value, e.mul(residual.at(i), all.at(e.add(vector, i))))),
          { step: SHARERS },
        );
        this.#partial.set(local, part.value);
      });
      builder.barrier({ storage: true });
      this.ownColumns((i) => {
        const along = builder.variable('along_all', 'f32', e.f32(0));
        builder.for('v', 0, e.add(step, 1), (v) => {
          const first = builder.let('first', e.mul(v, SHARERS));
          const parts = Array.from({ length: SHARERS }, (_, k) => this.#partial.at(e.add(first, k)));
          const product = parts.reduce((sum, part) => e.add(sum, part));
          along.set(e.add(along.value, e.mul(product, all.at(e.add(e.mul(v, width), i)))));
        });
        residual.set(i, e.sub(residual.at(i), along.value));
      });
      builder.barrier({ storage: true });
    });
  }

  /** Largest eigenvalue of the tridiagonal matrix; for one invocation. */
  largestEigenvalue(): Expression {
    const { builder, steps } = this;
    const [diagonal, offDiagonal] = [this.#diagonal, this.#offDiagonal];
    const high = builder.variable('high', 'f32', e.f32(0));
    builder.for('s', 0, steps, (s) => {
      const before = e.select(e.gt(s, 0), offDiagonal.at(e.max(e.sub(e.max(s, 1), 1), e.u32(0))), e.f32(0));
      high.set(e.max(high.value, e.sum(diagonal.at(s), offDiagonal.at(s), before)));
    });
    const low = builder.variable('low', 'f32', e.f32(0));
    builder.for('b', 0, BISECTIONS, () => {
      const middle = builder.let('middle', e.mul(e.add(low.value, high.value), 0.5));
      const pivot = builder.variable('pivot', 'f32', e.sub(diagonal.at(0), middle));
      const above = builder.variable('above', 'u32', e.select(e.gt(pivot.value, 0), e.u32(1), e.u32(0)));
      builder.for('s', 1, steps, (s) => {
        const off = builder.let('off', offDiagonal.at(e.sub(s, 1)));
        pivot.set(e.sub(e.sub(diagonal.at(s), middle), e.div(e.mul(off, off), awayFromZero(pivot.value))));
        builder.if(e.gt(pivot.value, 0), () => above.set(e.u32(1)));
      });
      builder.if(
        e.eq(above.value, 1),
        () => low.set(middle),
        () => high.set(middle),
      );
    });
    return low.value;
  }

  /**
   * Eigenvector of the tridiagonal matrix, any length, for one invocation: from the row where the factorisations from both ends
   * meet best outwards, so that no recurrence runs where it grows (Dhillon & Parlett 2004).
   */
  eigenvector(eigenvalue: Expression, result: SharedArray): void {
    const { builder, steps } = this;
    const [diagonal, offDiagonal] = [this.#diagonal, this.#offDiagonal];
    const shifted = (s: Expression): Expression => e.sub(diagonal.at(s), eigenvalue);
    const down = builder.array('down', 'f32', steps, e.f32(0));
    const up = builder.array('up', 'f32', steps, e.f32(0));
    const square = (s: Expression): Expression => {
      const off = builder.let('off', offDiagonal.at(s));
      return e.mul(off, off);
    };
    down.set(0, awayFromZero(builder.let('first', shifted(e.u32(0)))));
    builder.for('s', 1, steps, (s) => {
      const before = builder.let('before', e.sub(s, 1));
      const pivot = e.sub(shifted(s), e.div(square(before), down.at(before)));
      down.set(s, awayFromZero(builder.let('pivot', pivot)));
    });
    up.set(steps - 1, awayFromZero(builder.let('last', shifted(e.u32(steps - 1)))));
    builder.for('n', 1, steps, (n) => {
      const s = builder.let('s', e.sub(e.u32(steps - 1), n));
      const pivot = e.sub(shifted(s), e.div(square(s), up.at(e.add(s, 1))));
      up.set(s, awayFromZero(builder.let('pivot', pivot)));
    });
    const meeting = builder.variable('meeting', 'u32', e.u32(0));
    const least = builder.variable('least', 'f32', e.f32(3e38));
    builder.for('s', 0, steps, (s) => {
      const gap = builder.let('gap', e.call('abs', e.sub(e.add(down.at(s), up.at(s)), shifted(s))));
      builder.if(e.lt(gap, least.value), () => {
        least.set(gap);
        meeting.set(s);
      });
    });
    const value = builder.variable('component', 'f32', e.f32(1));
    result.set(meeting.value, value.value);
    builder.for('n', 0, meeting.value, (n) => {
      const s = builder.let('s', e.sub(e.sub(meeting.value, 1), n));
      value.set(e.neg(e.div(e.mul(offDiagonal.at(s), value.value), down.at(s))));
      result.set(s, value.value);
    });
    value.set(e.f32(1));
    builder.for('s', e.add(meeting.value, 1), steps, (s) => {
      value.set(e.neg(e.div(e.mul(offDiagonal.at(e.sub(s, 1)), value.value), up.at(s))));
      result.set(s, value.value);
    });
  }
}

/** The start is a part of WᵀW's kernel and one of each of its eigenvectors, at most. */
export function lanczosSteps({ rows, columns }: Pick<LanczosMatrix, 'rows' | 'columns'>): number {
  return Math.min(STEPS, rows + 1, columns);
}

const awayFromZero = (pivot: Expression): Expression =>
  e.select(e.lt(e.call('abs', pivot), 1e-30), e.f32(-1e-30), pivot);
