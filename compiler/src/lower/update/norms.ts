/** Losses and norms of a step: sums over fixed blocks by fixed trees, so that the same values give the same bits. */
import { SETTINGS, TOTALS } from '@hyb/runtime';
import * as e from '../../kernel/expressions.js';
import type { KernelCall } from '../call.js';
import { joined, notFinite, overBlock, setTotal, THREADS, total, UpdateKernel } from './elements.js';

/** Adds a part's losses to the step's. One workgroup. */
export function addLosses(): KernelCall {
  const kernel = new UpdateKernel();
  const { builder } = kernel;
  const losses = kernel.table('losses', 'f32', 'read', 'loss of each row');
  const totals = kernel.table('totals', 'u32', 'read_write', 'of the step');
  const count = kernel.uniform('row_count', 'rows of the part');
  const local = e.builtin('local_index');
  const own = builder.variable('own', 'f32', e.f32(0));
  builder.for('row', local, count, (row) => own.set(e.add(own.value, losses.at(row))), { step: THREADS });
  const sum = joined(builder, 'sums', own.value);
  builder.if(e.eq(local, 0), () => setTotal(totals, 'loss', e.add(total(totals, 'loss'), sum)));
  return kernel.finish('add_losses', "Adds the part's losses to the step's.");
}

/** Sum of squares of each block of a part, and whether something in it is not finite. A workgroup a block. */
export function squares(): KernelCall {
  const kernel = new UpdateKernel();
  const { builder } = kernel;
  const buffer = kernel.table('buffer', 'vec4u', 'read', 'elements, as words');
  overBlock(kernel, 'sum of squares and fault', (each) => {
    const sum = builder.variable('sum', 'f32', e.f32(0));
    const fault = builder.variable('fault', 'f32', e.f32(0));
    each((i) => {
      const words = builder.let('words', buffer.at(i));
      const four = builder.let('four', e.bitcast('vec4f', words));
      sum.set(e.add(sum.value, e.dot(four, four)));
      for (let lane = 0; lane < 4; lane++) fault.set(e.max(fault.value, notFinite(e.component(words, lane))));
    });
    return e.vector('vec2f', joined(builder, 'squares', sum.value), joined(builder, 'faults', fault.value));
  });
  return kernel.finish('squares', 'Sum of squares of each block, and whether all of it is finite.');
}

/** Norms, the factor of clipping, and whether the step may be applied. One workgroup. */
export function norms(): KernelCall {
  const kernel = new UpdateKernel();
  const { builder } = kernel;
  const partials = kernel.table('partials', 'vec2u', 'read', 'sum of squares and fault of each block, as words');
  const settings = kernel.table('settings', 'f32', 'read', 'of the step');
  const totals = kernel.table('totals', 'u32', 'read_write', 'of the step');
  const gradients = kernel.uniform('gradient_blocks', 'blocks of gradients, which come first');
  const blocks = kernel.uniform('block_count', 'all blocks');
  const local = e.builtin('local_index');
  const over = (name: string, from: ReturnType<typeof e.u32>, to: ReturnType<typeof e.u32>) => {
    const sum = builder.variable('sum', 'f32', e.f32(0));
    const fault = builder.variable('fault', 'f32', e.f32(0));
    builder.for(
      'i',
      e.add(from, local),
      to,
      (i) => {
        const block = builder.let('block', partials.at(i));
        sum.set(e.add(sum.value, e.bitcast('f32', e.component(block, 0))));
        // A sum may overflow though no element did.
        const overflow = notFinite(e.component(block, 0));
        fault.set(e.max(fault.value, e.max(overflow, e.bitcast('f32', e.component(block, 1)))));
      },
      { step: THREADS },
    );
    return [joined(builder, `${name}_squares`, sum.value), joined(builder, `${name}_faults`, fault.value)] as const;
  };
  const [gradientSquares, gradientFaults] = over('gradient', e.u32(0), gradients);
  const [parameterSquares] = over('parameter', gradients, blocks);
  builder.if(e.eq(local, 0), () => {
    const unscale = builder.let('unscale', settings.at(SETTINGS.unscale));
    const norm = builder.let('norm', e.mul(e.call('sqrt', gradientSquares), unscale));
    const clip = builder.let('clip', settings.at(SETTINGS.clip));
    const clipped = e.select(e.and(e.gt(clip, 0), e.gt(norm, clip)), e.div(clip, e.max(norm, 1e-30)), e.f32(1));
    const spike = e.select(e.gt(total(totals, 'loss'), settings.at(SETTINGS.lossLimit)), e.f32(1), e.f32(0));
    const fault = builder.let('fault', e.add(e.add(gradientFaults, notFinite(totals.at(TOTALS.loss))), spike));
    setTotal(totals, 'gradientNorm', norm);
    setTotal(totals, 'parameterNorm', e.call('sqrt', parameterSquares));
    setTotal(totals, 'factor', e.mul(unscale, clipped));
    setTotal(totals, 'notFinite', fault);
  });
  return kernel.finish('norms', 'Norms of gradients and parameters; clipping; whether all is finite.');
}
