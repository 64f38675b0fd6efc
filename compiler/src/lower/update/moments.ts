/**
 * State of the optimizer as kernels read and write it, four elements at a time: in f32, or in bf16. bf16 is rounded to nearest
 * even, or up or down at random so that its mean is the value: 16 random bits are added below the last place that stays. They
 * depend on the seed, the parameter's row (both in `rows`), the column and the step alone, so that a resumed run repeats them.
 */
import { SETTINGS } from '@hyb/runtime';
import type { Buffer } from '../../kernel/build.js';
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import { randomBits } from '../random-bits.js';
import type { UpdateKernel } from './elements.js';

export type MomentFormat = 'f32' | 'bf16';

/** Of a row: multiples of learning rate and weight decay, and the stream of its random numbers. */
export interface RowSettings {
  readonly rate: Expression;
  readonly decay: Expression;
  readonly stream: Expression;
}

/** Binds the table of rows, which has streams only where state is in bf16. */
export function rowTable(kernel: UpdateKernel, format: MomentFormat): (row: Expression) => RowSettings {
  const { builder } = kernel;
  if (format === 'f32') {
    const rows = kernel.table('rows', 'vec2f', 'read', 'multiples of rate and decay of each row');
    return (row) => {
      const multiples = builder.let('multiples', rows.at(row));
      return { rate: e.component(multiples, 0), decay: e.component(multiples, 1), stream: e.u32(0) };
    };
  }
  const rows = kernel.table(
    'rows',
    'vec4u',
    'read',
    'multiples of rate and decay, as f32, and random stream of each row',
  );
  return (row) => {
    const words = builder.let('multiples', rows.at(row));
    const float = (i: number): Expression => e.bitcast('f32', e.component(words, i));
    return { rate: float(0), decay: float(1), stream: e.component(words, 2) };
  };
}

export interface Moment {
  readonly value: Expression;
  set(next: Expression): void;
}

export class Moments {
  #random: readonly Expression[] | undefined;

  /**
   * @param index of the four elements in the part
   * @param quad of the four elements in their row
   */
  constructor(
    readonly kernel: UpdateKernel,
    readonly settings: Buffer,
    readonly format: MomentFormat,
    readonly index: Expression,
    readonly quad: () => Expression,
    readonly stream: Expression,
  ) {}

  of(name: 'first' | 'second', doc: string): Moment {
    if (this.format === 'f32') {
      const buffer = this.kernel.table(name, 'vec4f', 'read_write', doc);
      return { value: buffer.at(this.index), set: (next) => buffer.set(this.index, next) };
    }
    const buffer = this.kernel.table(name, 'vec2u', 'read_write', `${doc}, as bf16`);
    const { builder } = this.kernel;
    const words = builder.let('words', buffer.at(this.index));
    const halves = [0, 1].flatMap((i) => {
      const word = e.component(words, i);
      return [e.shiftLeft(word, 16), e.bitAnd(word, UPPER)].map((bits) => e.bitcast('f32', bits));
    });
    return {
      value: e.vector('vec4f', ...halves),
      set: (next) => buffer.set(this.index, this.#rounded(next, name === 'first' ? 0 : 16)),
    };
  }

  /** @param shift where in a lane's 32 random bits this moment's are */
  #rounded(four: Expression, shift: number): Expression {
    const { builder } = this.kernel;
    const stochastic = e.gt(this.settings.at(SETTINGS.stochastic), 0);
    const lanes = this.#randomLanes().map((random, lane) => {
      const bits = builder.let('bits', e.bitcast('u32', e.component(four, lane)));
      const nearest = e.add(e.bitAnd(e.shiftRight(bits, 16), 1), 0x7fff);
      const added = e.select(stochastic, e.bitAnd(e.shiftRight(random, shift), 0xffff), nearest);
      return e.bitAnd(e.add(bits, added), UPPER);
    });
    const word = (low: Expression, high: Expression): Expression => e.bitOr(e.shiftRight(low, 16), high);
    return e.vector('vec2u', word(lanes[0]!, lanes[1]!), word(lanes[2]!, lanes[3]!));
  }

  /** 32 random bits for each of the four. */
  #randomLanes(): readonly Expression[] {
    if (this.#random === undefined) {
      const { builder } = this.kernel;
      const step = builder.let('step', e.convert('u32', this.settings.at(SETTINGS.step)));
      const column = builder.let('column', e.mul(this.quad(), 4));
      this.#random = [0, 1, 2, 3].map((lane) => randomBits(builder, e.add(column, lane), step, this.stream));
    }
    return this.#random;
  }
}

const UPPER = 0xffff0000;
