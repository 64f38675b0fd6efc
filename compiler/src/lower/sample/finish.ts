import * as e from '../../kernel/expressions.js';
import type { KernelCall } from '../call.js';
import { isBetter } from './race.js';
import { LOWEST, SamplerKernel } from './shape.js';

const THREADS = 64;

/**
 * The winner of a sequence's slices becomes its next token: tables of the batch and of the sampler go one step on. Where a
 * logit was not finite, the vocabulary's size stands for the token.
 */
export function finishSample(vocab: number): KernelCall {
  const kernel = new SamplerKernel(vocab);
  const { builder, slices } = kernel;
  const sequence = e.builtin('workgroup_x');
  const local = e.builtin('local_index');
  const scratch = kernel.table('scratch', 'f32', 'read');
  const best = builder.variable('best', 'f32', e.f32(LOWEST));
  const winner = builder.variable('winner', 'f32', e.f32(vocab));
  const broken = builder.variable('broken', 'f32', e.f32(0));
  builder.for(
    'slice',
    local,
    slices,
    (slice) => {
      const value = builder.let('value', scratch.at(kernel.note(sequence, slice, 'best')));
      builder.if(e.gt(value, best.value), () => {
        best.set(value);
        winner.set(scratch.at(kernel.note(sequence, slice, 'winner')));
      });
      broken.set(e.max(broken.value, scratch.at(kernel.note(sequence, slice, 'broken'))));
    },
    { step: THREADS },
  );
  const values = builder.shared('values', 'f32', THREADS);
  const tokens = builder.shared('tokens_of_lanes', 'f32', THREADS);
  const flags = builder.shared('flags', 'f32', THREADS);
  values.set(local, best.value);
  tokens.set(local, winner.value);
  flags.set(local, broken.value);
  builder.barrier();
  builder.if(e.eq(local, 0), () => {
    builder.for('lane', 1, THREADS, (lane) => {
      broken.set(e.max(broken.value, flags.at(lane)));
      builder.if(isBetter(values.at(lane), tokens.at(lane), best.value, winner.value), () => {
        best.set(values.at(lane));
        winner.set(tokens.at(lane));
      });
    });
    const token = builder.let('token', e.select(e.gt(broken.value, 0), e.u32(vocab), e.convert('u32', winner.value)));
    const batchTokens = kernel.batch('tokens', 'read_write');
    const entry = builder.let('entry', batchTokens.at(sequence));
    const position = builder.let('position', e.add(e.component(entry, 2), 1));
    const slot = builder.let('slot', e.component(entry, 3));
    batchTokens.set(sequence, e.vector('vec4u', token, sequence, position, slot));
    kernel.batch('sequences', 'read_write').set(sequence, e.vector('vec4u', slot, sequence, 1, position));

    const settings = kernel.table('settings', 'u32', 'read_write');
    const stepAt = e.add(e.mul(sequence, 8), 6);
    const step = builder.let('step', settings.at(stepAt));
    settings.set(stepAt, e.add(step, 1));
    const window = kernel.bindings.uniform('window', 'window', 'u32', 'rows of the ring of sampled tokens');
    const sequences = kernel.bindings.uniform('sequence_count', 'sequences', 'u32', 'sequences in the call');
    kernel.table('sampled', 'u32', 'read_write').set(e.add(e.mul(e.mod(step, window), sequences), sequence), token);

    builder.if(e.lt(token, vocab), () => {
      const seen = kernel.table('seen', 'u32', 'read_write');
      const word = builder.let('word', e.add(e.mul(slot, Math.ceil(vocab / 32)), e.shiftRight(token, 5)));
      seen.set(word, e.bitOr(seen.at(word), e.shiftLeft(e.u32(1), e.bitAnd(token, 31))));
    });
  });
  return kernel.finish({
    name: 'sample_finish',
    doc: 'The winner of all slices becomes the next token.',
    threads: THREADS,
    grid: ['sequences', 1, 1],
    values: ['mul', 'sequences', 4 * slices],
    operations: ['mul', 'sequences', 4 * slices],
  });
}
