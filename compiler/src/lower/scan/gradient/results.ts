/** The results of a scan's gradient, of what its walks left, in a fixed order. */
import { elementsPerToken, hasTime } from '../../../graph/types.js';
import type { GraphNode } from '../../../graph/graph.js';
import * as e from '../../../kernel/expressions.js';
import type { Expression } from '../../../kernel/ir.js';
import { readSequence, readToken } from '../../batch.js';
import type { KernelCall } from '../../call.js';
import { describe, kernelName } from '../../names.js';
import type { KernelScope } from '../../scope.js';
import { extentOf } from '../axes.js';
import { flatIndex, indicesOf } from '../evaluate.js';
import type { GradientContext, Joint } from './joint.js';
import { jointOf, sizeOf } from './joint.js';
import { bindKept, bindReads } from './memory.js';

const THREADS = 256;
/** Invocations that share one sum, where sums are long. */
const LANES = 64;

type Result = GraphNode<'scan_gradient'>;

export function gradientResult(context: GradientContext, result: Result): KernelCall {
  const joint = jointOf(context);
  if (result.attributes.of < joint.count) return initialGradient(context, joint, result);
  return hasTime(result.type) ? timedGradient(context, joint, result) : fixedGradient(context, joint, result);
}

const readsOf = ({ reads, count }: Joint, { attributes }: Result) =>
  reads.flatMap((read, index) => (count + read.outer === attributes.of ? [{ ...read, index }] : []));

/** An outer value over time: the gradients of its reads at the token and at those that read it shifted. */
function timedGradient(context: GradientContext, joint: Joint, result: Result): KernelCall {
  const scope = context.scope();
  const { builder } = scope;
  const terms = readsOf(joint, result);
  const dims = result.type.dims.filter((d) => d.extent !== 'time');
  const elements = sizeOf(dims);
  const rows = Math.max(1, Math.floor(THREADS / elements));
  const perToken = rows === 1 ? THREADS : elements;
  const local = e.builtin('local_index');
  const row = builder.let('row', e.div(local, perToken));
  const time = builder.let('time', e.add(e.mul(e.builtin('workgroup_y'), rows), row));
  const flat = builder.let('flat', e.add(e.mul(e.builtin('workgroup_x'), THREADS), e.mod(local, perToken)));
  const tokens = scope.uniform('tokens', 'tokens', 'u32', 'tokens of the call');
  const inside = e.and(e.lt(row, rows), e.and(e.lt(time, tokens), e.lt(flat, elements)));
  builder.if(inside, () => {
    const place = indicesOf(builder, dims, extentOf, flat);
    const sum = builder.variable('sum', 'f32', e.f32(0));
    for (const { index, offset, dims: own } of terms) {
      const reads = bindReads(scope, context, joint, 'timed', 'read');
      const add = (at: Expression): void =>
        sum.set(e.add(sum.value, reads.at(at, index, flatIndex(own, extentOf, place))));
      if (offset === 0) {
        add(time);
        continue;
      }
      const { first, count } = readSequence(scope, readToken(scope, time).sequence);
      const later = builder.let('later', e.add(time, offset));
      builder.if(e.lt(later, e.add(first, count)), () => add(later));
    }
    scope.outputOf(result.id, { ...place, time }, sum.value);
  });
  return finish(context, scope, result, {
    workgroupSize: THREADS,
    grid: [Math.ceil(elements / THREADS), ['ceil_div', 'tokens', rows], 1],
    values: ['mul', 'tokens', elements * (terms.length + 1)],
  });
}

/** An outer value without time: the sums of the sequences. */
function fixedGradient(context: GradientContext, joint: Joint, result: Result): KernelCall {
  const scope = context.scope();
  const { builder } = scope;
  const [term] = readsOf(joint, result);
  const { dims } = result.type;
  const elements = sizeOf(dims);
  const flat = builder.let('flat', e.add(e.mul(e.builtin('workgroup_x'), THREADS), e.builtin('local_index')));
  builder.if(e.lt(flat, elements), () => {
    const place = indicesOf(builder, dims, extentOf, flat);
    const sum = builder.variable('sum', 'f32', e.f32(0));
    if (term) {
      const own = builder.let('own', flatIndex(term.dims, extentOf, place));
      eachSequence(scope, (sequence) => {
        const sums = bindReads(scope, context, joint, 'fixed', 'read');
        sum.set(e.add(sum.value, sums.at(sequence, term.index, own)));
      });
    }
    scope.outputOf(result.id, place, sum.value);
  });
  return finish(context, scope, result, {
    workgroupSize: THREADS,
    grid: [Math.ceil(elements / THREADS), 1, 1],
    values: ['add', ['mul', 'sequences', elements], elements],
  });
}

/** An initial value: the gradients of the states before each sequence's first token, where it is repeated all of them. */
function initialGradient(context: GradientContext, joint: Joint, result: Result): KernelCall {
  const scope = context.scope();
  const { builder } = scope;
  const state = result.attributes.of;
  const { dims } = result.type;
  const elements = sizeOf(dims);
  const repeated = joint.stateTypes[state]!.dims.filter((d) => !dims.some((own) => own.name === d.name));
  const repeats = sizeOf(repeated);
  const shared = repeats >= LANES;
  const local = e.builtin('local_index');
  const flat = shared
    ? e.builtin('workgroup_x')
    : builder.let('flat', e.add(e.mul(e.builtin('workgroup_x'), THREADS), local));
  const place = indicesOf(builder, dims, extentOf, flat);
  const sum = builder.variable('sum', 'f32', e.f32(0));
  const add = (): void => {
    eachSequence(scope, (sequence) => {
      const kept = bindKept(scope, context, joint, 'read');
      builder.for(
        'repeat',
        shared ? local : 0,
        repeats,
        (n) => {
          const at = { ...place, ...indicesOf(builder, repeated, extentOf, n) };
          sum.set(e.add(sum.value, kept.at(sequence, joint.count + state, at)));
        },
        { step: shared ? LANES : 1 },
      );
    });
  };
  if (!shared) {
    builder.if(e.lt(flat, elements), () => {
      add();
      scope.outputOf(result.id, place, sum.value);
    });
  } else {
    const partial = builder.shared('partial', 'f32', LANES);
    add();
    partial.set(local, sum.value);
    builder.barrier();
    builder.if(e.eq(local, 0), () => {
      const total = builder.variable('total', 'f32', e.f32(0));
      builder.for('lane', 0, LANES, (lane) => total.set(e.add(total.value, partial.at(lane))));
      scope.outputOf(result.id, place, total.value);
    });
  }
  return finish(context, scope, result, {
    workgroupSize: shared ? LANES : THREADS,
    grid: [shared ? elements : Math.ceil(elements / THREADS), 1, 1],
    values: ['mul', 'sequences', elements * repeats],
  });
}

/** Visits the sequences that have tokens. */
function eachSequence(scope: KernelScope, visit: (sequence: Expression) => void): void {
  const { builder } = scope;
  const sequences = scope.uniform('sequences', 'sequences', 'u32', 'sequences of the call');
  builder.for('sequence', 0, sequences, (sequence) => {
    builder.if(e.gt(readSequence(scope, sequence).count, 0), () => visit(sequence));
  });
}

function finish(
  { graph, mode }: GradientContext,
  scope: KernelScope,
  result: Result,
  call: {
    readonly workgroupSize: number;
    readonly grid: KernelCall['grid'];
    readonly values: KernelCall['cost']['values'];
  },
): KernelCall {
  const { of } = result.attributes;
  return scope.finish({
    name: kernelName(graph, mode, result.id, `input_${of}`),
    doc: `Gradient of input ${of} of a scan [${elementsPerToken(result.type)}].`,
    label: `${describe(graph, [result.id])}: input ${of}`,
    workgroupSize: [call.workgroupSize, 1, 1],
    grid: call.grid,
    cost: { weightElements: 0, values: call.values, operations: call.values },
  });
}
