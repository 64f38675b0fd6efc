import * as e from '../../kernel/expressions.js';
import type { Buffer, PrivateArray, SharedArray } from '../../kernel/build.js';
import type { Expression } from '../../kernel/ir.js';
import type { KernelCall } from '../call.js';
import { join } from './scores.js';
import { isFiltered, LOWEST, orderOf, SamplerKernel, samplerVariants, scoreOfOrder, SLICE } from './shape.js';
import type { Settings } from './shape.js';

const THREADS = 256;

/** The smallest score that passes top-k, top-p and min-p, in this order; one workgroup a sequence. */
export function threshold(vocab: number): KernelCall {
  return samplerVariants((variant) => search(new SamplerKernel(vocab, variant)));
}

function search(kernel: SamplerKernel): KernelCall {
  const { vocab } = kernel;
  new Search(kernel).write();
  return kernel.finish({
    name: 'sample_threshold',
    doc: 'The smallest score that passes top-k, top-p and min-p.',
    threads: THREADS,
    grid: ['sequences', 1, 1],
    values: ['mul', 'sequences', vocab],
    operations: ['mul', 'sequences', 4 * vocab],
  });
}

/**
 * Bisects the order of scores bit by bit. Of each slice, which is sorted, an invocation knows how many scores are surely
 * in and surely not out: only those between are looked at again.
 */
class Search {
  readonly #sequence = e.builtin('workgroup_x');
  readonly #local = e.builtin('local_index');
  readonly #scratch: Buffer;
  readonly #partials: SharedArray;
  readonly #settings: Settings;
  readonly #largest: Expression;
  /** Per slice of the invocation: scores above the lower end and above the upper end of the bracket. */
  readonly #below: PrivateArray;
  readonly #above: PrivateArray;
  readonly #turns: number;

  constructor(readonly kernel: SamplerKernel) {
    const { builder } = kernel;
    this.#scratch = kernel.table('scratch', 'f32', 'read_write');
    this.#settings = kernel.settings(this.#sequence);
    this.#partials = builder.shared('partials', 'f32', THREADS);
    this.#turns = Math.ceil(kernel.slices / THREADS);
    const own = builder.variable('own', 'f32', e.f32(LOWEST));
    this.#slices((slice) => own.set(e.max(own.value, this.#scratch.at(kernel.note(this.#sequence, slice, 'largest')))));
    this.#largest = join(kernel, this.#partials, own.value, 'max');
    this.#below = builder.array('below', 'u32', this.#turns, e.u32(0));
    this.#above = builder.array('above', 'u32', this.#turns, e.u32(0));
  }

  write(): void {
    const { builder } = this.kernel;
    const { topK, topP, minP, temperature } = this.#settings;
    const result = builder.variable('threshold', 'f32', e.f32(LOWEST));
    builder.if(isFiltered(this.#settings), () => {
      const mass = builder.variable('mass', 'f32', e.f32(0));
      builder.if(
        e.and(e.gt(topK, 0), e.lt(topK, this.kernel.vocab)),
        () => {
          builder.comment('top-k: the largest score that at least so many reach');
          const order = this.#bisect((_slice, from, to) => e.convert('f32', e.sub(to, from)), e.convert('f32', topK));
          result.set(builder.let('kth', scoreOfOrder(order)));
          const own = builder.variable('own_mass', 'f32', e.f32(0));
          this.#slices((slice, turn) => own.set(e.add(own.value, this.#mass(slice, e.u32(0), this.#below.at(turn)))));
          mass.set(join(this.kernel, this.#partials, own.value, 'add'));
        },
        () => {
          const own = builder.variable('own_mass', 'f32', e.f32(0));
          this.#slices((slice) => {
            const weight = e.exp(
              e.sub(this.#scratch.at(this.kernel.note(this.#sequence, slice, 'largest')), this.#largest),
            );
            own.set(e.add(own.value, e.mul(this.#scratch.at(this.kernel.note(this.#sequence, slice, 'mass')), weight)));
          });
          mass.set(join(this.kernel, this.#partials, own.value, 'add'));
        },
      );
      builder.if(e.lt(topP, 1), () => {
        builder.comment('top-p: the largest score whose reachers have that share of the mass');
        const order = this.#bisect((slice, from, to) => this.#mass(slice, from, to), e.mul(mass.value, topP));
        result.set(e.max(result.value, scoreOfOrder(order)));
      });
    });
    builder.if(e.and(e.eq(this.#local, 0), e.gt(temperature, 0)), () => {
      builder.if(e.gt(minP, 0), () => result.set(e.max(result.value, e.add(this.#largest, e.call('log', minP)))));
      // Rounding must not shut out the best one.
      this.#scratch.set(this.kernel.note(this.#sequence, e.u32(0), 'threshold'), e.min(result.value, this.#largest));
    });
    builder.if(e.and(e.eq(this.#local, 0), e.le(temperature, 0)), () => {
      this.#scratch.set(this.kernel.note(this.#sequence, e.u32(0), 'threshold'), e.f32(LOWEST));
    });
  }

  /** Runs `body` for each slice of the invocation. */
  #slices(body: (slice: Expression, turn: Expression) => void): void {
    const { builder, slices } = this.kernel;
    builder.for('turn', 0, this.#turns, (turn) => {
      const slice = builder.let('slice', e.add(this.#local, e.mul(turn, THREADS)));
      builder.if(e.lt(slice, slices), () => body(slice, turn));
    });
  }

  /** Sum of exp(score - largest) over scores `from` … `to` of a slice. */
  #mass(slice: Expression, from: Expression, to: Expression): Expression {
    const { builder } = this.kernel;
    const sum = builder.variable('sum', 'f32', e.f32(0));
    const start = builder.let('start', this.kernel.scores(this.#sequence, slice));
    builder.for('n', from, to, (n) => {
      sum.set(e.add(sum.value, e.exp(e.sub(this.#scratch.at(e.add(start, n)), this.#largest))));
    });
    return sum.value;
  }

  /**
   * The largest order for which the `measure` of all scores of at least that order is at least `goal` (0 if it never is).
   * Afterwards `below` tells how many scores of each slice are of at least that order.
   */
  #bisect(measure: (slice: Expression, from: Expression, to: Expression) => Expression, goal: Expression): Expression {
    const { builder } = this.kernel;
    const order = builder.variable('order', 'u32', e.u32(0));
    /** Measure of the scores surely in: those above the bracket. */
    const sure = builder.variable('sure', 'f32', e.f32(0));
    const middles = builder.array('middles', 'u32', this.#turns, e.u32(0));
    this.#slices((slice, turn) => {
      const rest = e.sub(this.kernel.vocab, e.mul(slice, SLICE));
      this.#below.set(turn, e.min(rest, SLICE));
      this.#above.set(turn, e.u32(0));
    });
    builder.for('bit', 0, 32, (bit) => {
      const candidate = builder.let('candidate', e.bitOr(order.value, e.shiftRight(e.u32(0x80000000), bit)));
      const own = builder.variable('own', 'f32', e.f32(0));
      this.#slices((slice, turn) => {
        const low = builder.variable('low', 'u32', this.#above.at(turn));
        const high = builder.variable('high', 'u32', this.#below.at(turn));
        const start = builder.let('start', this.kernel.scores(this.#sequence, slice));
        // The first score of lower order than the candidate.
        builder.for('n', 0, Math.log2(SLICE) + 1, () => {
          builder.if(e.lt(low.value, high.value), () => {
            const middle = builder.let('middle', e.div(e.add(low.value, high.value), 2));
            const reaches = e.ge(orderOf(builder.let('score', this.#scratch.at(e.add(start, middle)))), candidate);
            builder.if(
              reaches,
              () => low.set(e.add(middle, 1)),
              () => high.set(middle),
            );
          });
        });
        middles.set(turn, low.value);
        own.set(e.add(own.value, measure(slice, this.#above.at(turn), low.value)));
      });
      const reached = builder.let('reached', e.add(sure.value, join(this.kernel, this.#partials, own.value, 'add')));
      const enough = builder.let('enough', e.ge(reached, goal));
      builder.if(
        enough,
        () => order.set(candidate),
        () => sure.set(reached),
      );
      this.#slices((_, turn) => {
        builder.if(
          enough,
          () => this.#below.set(turn, middles.at(turn)),
          () => this.#above.set(turn, middles.at(turn)),
        );
      });
    });
    return builder.let('found', order.value);
  }
}
