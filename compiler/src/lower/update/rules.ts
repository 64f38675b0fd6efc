/** Update rules, element by element over rows of a matrix or pack: moments, master copy and working copy. */
import { SETTINGS } from '@hyb/runtime';
import type { StorageType } from '@hyb/runtime';
import type { Buffer } from '../../kernel/build.js';
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import type { KernelCall } from '../call.js';
import { total, UpdateKernel } from './elements.js';

interface Rule {
  readonly kernel: UpdateKernel;
  readonly settings: Buffer;
  /** Fours of the part, and of a row. */
  readonly index: Expression;
  readonly gradient: Expression;
  readonly master: Expression;
  /** Learning rate and weight decay of the row. */
  readonly rate: Expression;
  readonly decay: Expression;
}

/**
 * Runs `update` for every four elements, if the step may be applied, and stores the master copy that it returns, and with a
 * narrower `storage` the working copy.
 */
function rule(name: string, doc: string, storage: StorageType, update: (rule: Rule) => Expression): KernelCall {
  const kernel = new UpdateKernel();
  const { builder } = kernel;
  const settings = kernel.table('settings', 'f32', 'read', 'of the step');
  const totals = kernel.table('totals', 'u32', 'read', 'of the step');
  const master = kernel.table('master', 'vec4f', 'read_write', 'master copy');
  const gradients = kernel.table('gradient', 'vec4f', 'read', 'gradient');
  const rows = kernel.table('rows', 'vec2f', 'read', 'multiples of rate and decay of each row');
  const working =
    storage === 'f32' ? undefined : kernel.table('working', 'vec2u', 'read_write', `working copy in ${storage}`);
  const count = kernel.uniform('quad_count', 'fours of elements');
  const perRow = kernel.uniform('row_quads', 'fours of a row');
  const firstRow = kernel.uniform('first_row', 'first row of the part');
  const index = kernel.invocation;
  const applied = e.eq(total(totals, 'notFinite'), 0);
  builder.if(e.and(e.lt(index, count), applied), () => {
    const multiples = builder.let('multiples', rows.at(e.add(firstRow, e.div(index, perRow))));
    const next = builder.let(
      'next',
      update({
        kernel,
        settings,
        index,
        gradient: builder.let('g', e.mul(gradients.at(index), total(totals, 'factor'))),
        master: builder.let('p', master.at(index)),
        rate: builder.let('rate', e.mul(settings.at(SETTINGS.rate), e.component(multiples, 0))),
        decay: builder.let('decay', e.mul(settings.at(SETTINGS.decay), e.component(multiples, 1))),
      }),
    );
    master.set(index, next);
    if (working) working.set(index, packed(next, storage));
  });
  return kernel.finish(`${name}_${storage}`, doc);
}

/** Four elements in two words, rounded to nearest even. */
function packed(four: Expression, storage: StorageType): Expression {
  const lane = (i: number): Expression => e.call(storage === 'bf16' ? 'round_bf16' : 'round_f16', e.component(four, i));
  const word = (low: Expression, high: Expression): Expression =>
    storage === 'bf16'
      ? e.bitOr(e.shiftRight(e.bitcast('u32', low), 16), e.bitAnd(e.bitcast('u32', high), 0xffff0000))
      : e.call('pack2x16float', e.vector('vec2f', low, high));
  return e.vector('vec2u', word(lane(0), lane(1)), word(lane(2), lane(3)));
}

/** Adam with decoupled weight decay (Loshchilov & Hutter 2019). */
export function adamW(storage: StorageType): KernelCall {
  return rule('adamw', 'AdamW.', storage, ({ kernel, settings, index, gradient: g, master: p, rate, decay }) => {
    const { builder } = kernel;
    const first = kernel.table('first', 'vec4f', 'read_write', 'running mean of gradients');
    const second = kernel.table('second', 'vec4f', 'read_write', 'running mean of their squares');
    const mean = (old: Expression, beta: Expression, value: Expression): Expression =>
      e.add(e.mul(old, beta), e.mul(value, e.sub(e.f32(1), beta)));
    const beta1 = builder.let('beta1', settings.at(SETTINGS.beta1));
    const beta2 = builder.let('beta2', settings.at(SETTINGS.beta2));
    const m = builder.let('m', mean(first.at(index), beta1, g));
    const v = builder.let('v', mean(second.at(index), beta2, e.mul(g, g)));
    first.set(index, m);
    second.set(index, v);
    const direction = e.mul(m, settings.at(SETTINGS.firstCorrection));
    const root = e.call('sqrt', e.mul(v, settings.at(SETTINGS.secondCorrection)));
    const step = e.div(direction, e.add(root, e.vector('vec4f', settings.at(SETTINGS.eps))));
    const kept = e.mul(p, e.sub(e.f32(1), e.mul(rate, decay)));
    return e.sub(kept, e.mul(step, rate));
  });
}

/** Gradient descent with momentum and decoupled weight decay. */
export function sgd(storage: StorageType): KernelCall {
  return rule('sgd', 'SGD.', storage, ({ kernel, settings, index, gradient: g, master: p, rate, decay }) => {
    const { builder } = kernel;
    const first = kernel.table('first', 'vec4f', 'read_write', 'momentum');
    const momentum = builder.let('momentum', settings.at(SETTINGS.beta1));
    const m = builder.let('m', e.add(e.mul(first.at(index), momentum), g));
    first.set(index, m);
    const ahead = e.add(g, e.mul(m, momentum));
    const step = e.select(e.gt(settings.at(SETTINGS.nesterov), 0), ahead, m);
    return e.sub(e.mul(p, e.sub(e.f32(1), e.mul(rate, decay))), e.mul(step, rate));
  });
}
