import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import type { KernelCall } from '../call.js';
import { randomBits } from '../random-bits.js';
import { LOWEST, SamplerKernel, SLICE } from './shape.js';

const THREADS = 256;

/** The best score + noise of each slice among the tokens that pass the filters; the lowest token of equal ones. */
export function race(vocab: number): KernelCall {
  const kernel = new SamplerKernel(vocab);
  const { builder } = kernel;
  const slice = e.builtin('workgroup_x');
  const sequence = e.builtin('workgroup_y');
  const local = e.builtin('local_index');
  const settings = kernel.settings(sequence);
  kernel.prepare(sequence);
  const scratch = kernel.table('scratch', 'f32', 'read_write');
  const threshold = builder.let('threshold', scratch.at(kernel.note(sequence, e.u32(0), 'threshold')));
  const best = builder.variable('best', 'f32', e.f32(LOWEST));
  const winner = builder.variable('winner', 'u32', e.u32(vocab));
  const end = builder.let('end', e.min(e.mul(e.add(slice, 1), SLICE), vocab));
  builder.for(
    'token',
    e.add(e.mul(slice, SLICE), local),
    end,
    (token) => {
      const bits = builder.let('bits', kernel.logitBits(sequence, token));
      const score = builder.let('score', kernel.score(sequence, token, bits, settings));
      builder.if(e.and(e.ge(score, threshold), e.gt(score, LOWEST)), () => {
        const value = builder.variable('value', 'f32', score);
        builder.if(e.gt(settings.temperature, 0), () => {
          value.set(e.add(score, gumbel(kernel, randomBits(builder, token, settings.step, settings.seed))));
        });
        // In order of tokens, so that of equal ones the first stays.
        builder.if(e.gt(value.value, best.value), () => {
          best.set(value.value);
          winner.set(token);
        });
      });
    },
    { step: THREADS },
  );

  const values = builder.shared('values', 'f32', THREADS);
  const tokens = builder.shared('tokens', 'u32', THREADS);
  values.set(local, best.value);
  tokens.set(local, winner.value);
  builder.barrier();
  for (let distance = THREADS / 2; distance >= 1; distance /= 2) {
    builder.if(e.lt(local, distance), () => {
      const other = builder.let('other', e.add(local, distance));
      const better = isBetter(values.at(other), tokens.at(other), values.at(local), tokens.at(local));
      builder.if(better, () => {
        values.set(local, values.at(other));
        tokens.set(local, tokens.at(other));
      });
    });
    builder.barrier();
  }
  builder.if(e.eq(local, 0), () => {
    scratch.set(kernel.note(sequence, slice, 'best'), values.at(0));
    scratch.set(kernel.note(sequence, slice, 'winner'), e.convert('f32', tokens.at(0)));
  });
  return kernel.finish({
    name: 'sample_race',
    doc: 'The best token of each slice: score plus Gumbel noise.',
    threads: THREADS,
    grid: [kernel.slices, 'sequences', 1],
    values: ['mul', 'sequences', vocab],
    operations: ['mul', 'sequences', 8 * vocab],
  });
}

export function isBetter(value: Expression, token: Expression, than: Expression, thanToken: Expression): Expression {
  return e.or(e.gt(value, than), e.and(e.eq(value, than), e.lt(token, thanToken)));
}

/** -log(-log(1 - u)) with u = (bits + 1/2) / 2^32: accurate where it is large, which is where races are won. */
function gumbel({ builder }: SamplerKernel, bits: Expression): Expression {
  const uniform = e.add(e.mul(e.convert('f32', bits), 2 ** -32), 2 ** -33);
  const wait = e.neg(e.call('log1p', e.neg(e.min(uniform, 1 - 2 ** -24))));
  return e.neg(e.call('log', builder.let('wait', wait)));
}
