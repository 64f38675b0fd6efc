import * as e from '../../kernel/expressions.js';
import type { KernelBuilder, SharedArray } from '../../kernel/build.js';
import type { Expression } from '../../kernel/ir.js';
import type { KernelCall } from '../call.js';
import { isFiltered, isFinite, LOWEST, SamplerKernel, samplerVariants, SLICE } from './shape.js';

const THREADS = 256;
const STEPS = Math.log2(SLICE);

/** Scores of a slice: maximum, mass, and, where a filter needs them, sorted from the largest down. */
export function sliceScores(vocab: number): KernelCall {
  return samplerVariants((variant) => scores(new SamplerKernel(vocab, variant)));
}

function scores(kernel: SamplerKernel): KernelCall {
  const { vocab } = kernel;
  const { builder } = kernel;
  const slice = e.builtin('workgroup_x');
  const sequence = e.builtin('workgroup_y');
  const local = e.builtin('local_index');
  const settings = kernel.settings(sequence);
  kernel.prepare(sequence);
  const scores = builder.shared('scores', 'f32', SLICE);
  const partials = builder.shared('partials', 'f32', THREADS);
  const broken = builder.variable('broken', 'f32', e.f32(0));
  const own = builder.variable('own', 'f32', e.f32(LOWEST));
  builder.for(
    'i',
    local,
    SLICE,
    (i) => {
      const token = builder.let('token', e.add(e.mul(slice, SLICE), i));
      const score = builder.variable('score', 'f32', e.f32(LOWEST));
      builder.if(e.lt(token, vocab), () => {
        const bits = builder.let('bits', kernel.logitBits(sequence, token));
        builder.if(e.not(isFinite(bits)), () => broken.set(e.f32(1)));
        score.set(kernel.score(sequence, token, bits, settings));
      });
      own.set(e.max(own.value, score.value));
      scores.set(i, score.value);
    },
    { step: THREADS },
  );
  const largest = join(kernel, partials, own.value, 'max');
  const mass = builder.variable('mass', 'f32', e.f32(0));
  builder.for(
    'i',
    local,
    SLICE,
    (i) => {
      const score = builder.let('score', scores.at(i));
      mass.set(e.add(mass.value, e.select(e.gt(score, LOWEST), e.exp(e.sub(score, largest)), e.f32(0))));
    },
    { step: THREADS },
  );
  const total = join(kernel, partials, mass.value, 'add');
  const anyBroken = join(kernel, partials, broken.value, 'max');
  const scratch = kernel.table('scratch', 'f32', 'read_write');
  builder.if(e.eq(local, 0), () => {
    scratch.set(kernel.note(sequence, slice, 'largest'), largest);
    scratch.set(kernel.note(sequence, slice, 'mass'), total);
    scratch.set(kernel.note(sequence, slice, 'broken'), anyBroken);
  });
  builder.if(isFiltered(settings), () => {
    sortDown(kernel, scores);
    const start = builder.let('start', kernel.scores(sequence, slice));
    builder.for('i', local, SLICE, (i) => scratch.set(e.add(start, i), scores.at(i)), { step: THREADS });
  });
  return kernel.finish({
    name: 'sample_scores',
    doc: 'Scores of a slice of the vocabulary: largest, mass, and sorted where top-k or top-p is set.',
    threads: THREADS,
    grid: [kernel.slices, 'sequences', 1],
    values: ['mul', 'sequences', 2 * vocab],
    operations: ['mul', 'sequences', vocab * (8 + STEPS * (STEPS + 1))],
  });
}

/** Bitonic sort (Batcher 1968), largest first. Ends with a barrier. */
function sortDown(kernel: SamplerKernel, values: SharedArray): void {
  const { builder } = kernel;
  builder.for('stage', 0, STEPS, (stage) => {
    builder.for('step', 0, e.add(stage, 1), (step) => {
      const distance = builder.let('distance', e.shiftLeft(e.u32(1), e.sub(stage, step)));
      builder.for(
        'pair',
        e.builtin('local_index'),
        SLICE / 2,
        (pair) => {
          const low = builder.let(
            'low',
            e.add(e.mul(e.div(pair, distance), e.mul(distance, 2)), e.mod(pair, distance)),
          );
          const high = builder.let('high', e.add(low, distance));
          const a = builder.let('a', values.at(low));
          const b = builder.let('b', values.at(high));
          // Runs of 2^(stage + 1) go down and up by turns.
          const down = e.eq(e.bitAnd(e.shiftRight(low, e.add(stage, 1)), 1), 0);
          builder.if(e.eq(e.lt(a, b), down), () => {
            values.set(low, b);
            values.set(high, a);
          });
        },
        { step: THREADS },
      );
      builder.barrier();
    });
  });
}

/** Joins a value of every invocation; all get the result. Begins and ends with everyone done reading `partials`. */
export function join(
  { builder, variant }: SamplerKernel,
  partials: SharedArray,
  value: Expression,
  operation: 'add' | 'max',
): Expression {
  const combine = operation === 'add' ? e.add : e.max;
  return variant.reduction === 'subgroup'
    ? joinSubgroups(builder, partials, value, operation, combine)
    : joinInTwoSteps(builder, partials, value, combine);
}

type Combine = (a: Expression, b: Expression) => Expression;

function joinSubgroups(
  builder: KernelBuilder,
  partials: SharedArray,
  value: Expression,
  operation: 'add' | 'max',
  combine: Combine,
): Expression {
  const size = e.builtin('subgroup_size');
  const own = builder.let('of_subgroup', e.subgroup(operation, value));
  builder.if(e.eq(e.builtin('subgroup_lane'), 0), () => partials.set(e.div(e.builtin('local_index'), size), own));
  builder.barrier();
  const all = builder.variable('all', 'f32', partials.at(0));
  const count = builder.let('subgroups', e.div(e.add(e.sub(size, 1), THREADS), size));
  builder.for('n', 1, count, (n) => all.set(combine(all.value, partials.at(n))));
  const result = builder.let('joined', all.value);
  builder.barrier();
  return result;
}

function joinInTwoSteps(
  builder: KernelBuilder,
  partials: SharedArray,
  value: Expression,
  combine: Combine,
): Expression {
  const SIDE = Math.sqrt(THREADS);
  const local = e.builtin('local_index');
  partials.set(local, value);
  builder.barrier();
  const row = builder.variable('row', 'f32', partials.at(e.mul(e.mod(local, SIDE), SIDE)));
  builder.for('n', 1, SIDE, (n) => {
    row.set(combine(row.value, partials.at(e.add(e.mul(e.mod(local, SIDE), SIDE), n))));
  });
  builder.barrier();
  builder.if(e.lt(local, SIDE), () => partials.set(local, row.value));
  builder.barrier();
  const all = builder.variable('all', 'f32', partials.at(0));
  builder.for('n', 1, SIDE, (n) => all.set(combine(all.value, partials.at(n))));
  const result = builder.let('joined', all.value);
  builder.barrier();
  return result;
}
