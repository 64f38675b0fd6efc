/** Update rules, element by element over rows of a matrix or pack: moments, master copy and working copy. */
import { SETTINGS } from '@hyb/runtime';
import type { StorageType } from '@hyb/runtime';
import type { Buffer } from '../../kernel/build.js';
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import type { KernelCall } from '../call.js';
import { total, UpdateKernel } from './elements.js';
import { Moments, rowTable } from './moments.js';
import type { MomentFormat } from './moments.js';
import { matrixPlace, ownRows } from './orthogonal.js';

interface Rule {
  readonly kernel: UpdateKernel;
  readonly settings: Buffer;
  readonly moments: Moments;
  /** Gradient of the four elements, or what the rule has made of it. */
  readonly gradient: Expression;
  readonly master: Expression;
  /** Learning rate and weight decay of the row. */
  readonly rate: Expression;
  readonly decay: Expression;
}

/** Four elements that an invocation updates. */
interface Four {
  readonly inside: Expression;
  readonly index: Expression;
  /** Among the multiples of rate and decay. */
  readonly row: Expression;
  /** In the row. */
  readonly quad: () => Expression;
  readonly gradient: () => Expression;
}

/** Those of a whole part, one after another. */
function everyFour(kernel: UpdateKernel, totals: Buffer): Four {
  const gradients = kernel.table('gradient', 'vec4f', 'read', 'gradient');
  const count = kernel.uniform('quad_count', 'fours of elements');
  const perRow = kernel.uniform('row_quads', 'fours of a row');
  const firstRow = kernel.uniform('first_row', 'first row of the part');
  const index = kernel.invocation;
  return {
    inside: e.lt(index, count),
    index,
    row: e.add(firstRow, e.div(index, perRow)),
    quad: () => e.mod(index, perRow),
    gradient: () => kernel.builder.let('g', e.mul(gradients.at(index), total(totals, 'factor'))),
  };
}

/** Those of one parameter's rows, with what Newton-Schulz iterations made of their gradients. */
function everyOrthogonalised(kernel: UpdateKernel): Four {
  const { builder } = kernel;
  const orthogonal = kernel.table('left', 'f32', 'read', 'orthogonalised matrices');
  const own = ownRows(kernel);
  const at = matrixPlace(kernel, own);
  const firstRow = kernel.uniform('first_row', 'first row of the part');
  const scale = kernel.uniform('scale', 'on the update, by the shape of the matrix', 'f32');
  return {
    inside: e.lt(own.row, own.count),
    index: own.index,
    row: e.add(firstRow, own.partRow),
    quad: () => own.quad,
    gradient: () => builder.let('g', e.mul(e.vector('vec4f', ...[0, 1, 2, 3].map((i) => orthogonal.at(at(i)))), scale)),
  };
}

/** What a rule's kernels differ in: the working copies that they write, and the format of the state. */
export interface RuleFormats {
  readonly storage: StorageType;
  readonly moments: MomentFormat;
}

/**
 * Runs `update` for four elements an invocation, if the step may be applied, and stores the master copy that it returns, and
 * with a narrower `storage` the working copy.
 */
function rule(
  name: string,
  doc: string,
  { storage, moments: format }: RuleFormats,
  update: (rule: Rule) => Expression,
  fourOf: (kernel: UpdateKernel, totals: Buffer) => Four = everyFour,
): KernelCall {
  const kernel = new UpdateKernel();
  const { builder } = kernel;
  const settings = kernel.table('settings', 'f32', 'read', 'of the step');
  const totals = kernel.table('totals', 'u32', 'read', 'of the step');
  const master = kernel.table('master', 'vec4f', 'read_write', 'master copy');
  const { inside, index, row, quad, gradient } = fourOf(kernel, totals);
  const rowSettings = rowTable(kernel, format);
  const working =
    storage === 'f32' ? undefined : kernel.table('working', 'vec2u', 'read_write', `working copy in ${storage}`);
  const applied = e.eq(total(totals, 'notFinite'), 0);
  builder.if(e.and(inside, applied), () => {
    const multiples = rowSettings(row);
    const next = builder.let(
      'next',
      update({
        kernel,
        settings,
        moments: new Moments(kernel, settings, format, index, quad, multiples.stream),
        gradient: gradient(),
        master: builder.let('p', master.at(index)),
        rate: builder.let('rate', e.mul(settings.at(SETTINGS.rate), multiples.rate)),
        decay: builder.let('decay', e.mul(settings.at(SETTINGS.decay), multiples.decay)),
      }),
    );
    master.set(index, next);
    if (working) working.set(index, packed(next, storage));
  });
  return kernel.finish(format === 'f32' ? `${name}_${storage}` : `${name}_${storage}_${format}_state`, doc);
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
export function adamW(formats: RuleFormats): KernelCall {
  return rule('adamw', 'AdamW.', formats, ({ kernel, settings, moments, gradient: g, master: p, rate, decay }) => {
    const { builder } = kernel;
    const first = moments.of('first', 'running mean of gradients');
    const second = moments.of('second', 'running mean of their squares');
    const mean = (old: Expression, beta: Expression, value: Expression): Expression =>
      e.add(e.mul(old, beta), e.mul(value, e.sub(e.f32(1), beta)));
    const beta1 = builder.let('beta1', settings.at(SETTINGS.beta1));
    const beta2 = builder.let('beta2', settings.at(SETTINGS.beta2));
    const m = builder.let('m', mean(first.value, beta1, g));
    const v = builder.let('v', mean(second.value, beta2, e.mul(g, g)));
    first.set(m);
    second.set(v);
    const direction = e.mul(m, settings.at(SETTINGS.firstCorrection));
    const root = e.call('sqrt', e.mul(v, settings.at(SETTINGS.secondCorrection)));
    const step = e.div(direction, e.add(root, e.vector('vec4f', settings.at(SETTINGS.eps))));
    const kept = e.mul(p, e.sub(e.f32(1), e.mul(rate, decay)));
    return e.sub(kept, e.mul(step, rate));
  });
}

/** Gradient descent with momentum and decoupled weight decay. */
export function sgd(formats: RuleFormats): KernelCall {
  return rule('sgd', 'SGD.', formats, ({ kernel, settings, moments, gradient: g, master: p, rate, decay }) => {
    const { builder } = kernel;
    const first = moments.of('first', 'momentum');
    const momentum = builder.let('momentum', settings.at(SETTINGS.beta1));
    const m = builder.let('m', e.add(e.mul(first.value, momentum), g));
    first.set(m);
    const ahead = e.add(g, e.mul(m, momentum));
    const step = e.select(e.gt(settings.at(SETTINGS.nesterov), 0), ahead, m);
    return changed({ master: p, rate, decay }, step);
  });
}

/** What Newton-Schulz iterations left of the momentum, with decoupled weight decay. */
export function muon(formats: RuleFormats): KernelCall {
  const update = (rule: Rule): Expression => changed(rule, rule.gradient);
  return rule('muon', 'Muon.', formats, update, everyOrthogonalised);
}

/** One step against a direction, after the decay. */
function changed({ master, rate, decay }: Pick<Rule, 'master' | 'rate' | 'decay'>, direction: Expression): Expression {
  return e.sub(e.mul(master, e.sub(e.f32(1), e.mul(rate, decay))), e.mul(direction, rate));
}
