/** Working copies in 8 bits: the largest magnitude of a matrix, then its values rounded by the scale that follows from it. */
import * as e from '../../kernel/expressions.js';
import { LEAST } from '../../grad/scale.js';
import type { Scaling } from '../../grad/scale.js';
import { FORMATS } from '../../numeric/format.js';
import type { KernelCall } from '../call.js';
import { castExpression } from '../pointwise.js';
import { joined, overBlock, THREADS, UpdateKernel } from './elements.js';

/** Largest magnitude of each block of a part. A workgroup a block. */
export function largest(): KernelCall {
  const kernel = new UpdateKernel();
  const { builder } = kernel;
  const master = kernel.table('master', 'vec4f', 'read', 'elements');
  overBlock(kernel, 'largest magnitude', (each) => {
    const own = builder.variable('own', 'f32', e.f32(0));
    each((i) => {
      const four = builder.let('four', e.call('abs', master.at(i)));
      for (let lane = 0; lane < 4; lane++) own.set(e.max(own.value, e.component(four, lane)));
    });
    return e.vector('vec2f', joined(builder, 'largest', own.value, e.max), e.f32(0));
  });
  return kernel.finish('largest', 'Largest magnitude of each block.');
}

/** Largest magnitude of a matrix, of its blocks. One workgroup. */
export function largestOfAll(): KernelCall {
  const kernel = new UpdateKernel();
  const { builder } = kernel;
  const partials = kernel.table('partials', 'vec2f', 'read', 'largest magnitude of each block');
  const scales = kernel.table('scales', 'f32', 'read_write', 'largest magnitude of each matrix');
  const blocks = kernel.uniform('block_count', 'blocks of the matrix');
  const index = kernel.uniform('matrix_index', 'its place among the scales');
  const local = e.builtin('local_index');
  const own = builder.variable('own', 'f32', e.f32(0));
  builder.for('i', local, blocks, (i) => own.set(e.max(own.value, e.component(partials.at(i), 0))), { step: THREADS });
  const found = joined(builder, 'largest', own.value, e.max);
  builder.if(e.eq(local, 0), () => scales.set(index, found));
  return kernel.finish('largest_of_all', 'Largest magnitude of a matrix.');
}

/** Rounds a part of a matrix to an 8-bit format by its scale, or by one that is the same for all. */
export function roundTo(format: 'e4m3' | 'e5m2', scaling: Scaling): KernelCall {
  const kernel = new UpdateKernel();
  const { builder } = kernel;
  const master = kernel.table('master', 'vec4f', 'read', 'elements');
  const working = kernel.table('working', 'vec4f', 'read_write', `the same as ${format}`);
  const scales = kernel.table('scales', 'f32', 'read', 'largest magnitude of each matrix');
  const count = kernel.uniform('quad_count', 'fours of elements');
  const index = kernel.uniform('matrix_index', 'place of the matrix among the scales');
  const at = kernel.invocation;
  builder.if(e.lt(at, count), () => {
    const current = e.div(e.f32(FORMATS[format].largest), e.max(scales.at(index), LEAST));
    const scale = builder.let('scale', scaling === 'current' ? current : e.f32(scaling));
    const four = builder.let('four', e.mul(master.at(at), scale));
    const lanes = [0, 1, 2, 3].map((lane) =>
      e.div(castExpression(format, builder.let(`lane_${lane}`, e.component(four, lane))), scale),
    );
    working.set(at, e.vector('vec4f', ...lanes));
  });
  return kernel.finish(`round_${format}`, `Rounds to ${format}, scaled.`);
}
