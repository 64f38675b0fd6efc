/**
 * The kernel of a scan: a workgroup walks one slice of a sequence's states through the call's tokens. Prefill and decode differ
 * in the number of tokens only.
 */
import { hasTime } from '../../graph/types.js';
import type { TensorType } from '../../graph/types.js';
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import { stateName } from '../../ops/scan.js';
import { readSequence } from '../batch.js';
import type { KernelScope, LoweringContext } from '../scope.js';
import { extentOf } from './axes.js';
import { flatIndex, ZERO } from './evaluate.js';
import type { Place } from './evaluate.js';
import { bindHistory } from './history.js';
import type { ScanPlan } from './plan.js';
import { ScanSlices } from './slices.js';
import { ScanStep } from './step.js';

export function writeScan(scope: KernelScope, context: LoweringContext<'scan'>, plan: ScanPlan): void {
  const { builder } = scope;
  const { graph, node } = context;
  const { states } = plan;
  const buffers = states.map((type, i) =>
    scope.bind(
      `state_${i}`,
      { kind: 'state', node: node.id, name: stateName(i) },
      'f32',
      'read_write',
      `state ${i} [${['slot', ...type.dims.map((d) => `${d.name}: ${extentOf(d)}`)].join(', ')}]`,
    ),
  );
  const slices = new ScanSlices(builder, plan, e.builtin('workgroup_x'));
  const sequence = readSequence(scope, e.builtin('workgroup_y'));
  const outerType = (index: number): TensorType => graph.nodes[node.inputs[states.length + index]!]!.type;
  const addressOf = (state: number, at: Place): Expression => {
    const { dims } = states[state]!;
    const size = dims.reduce((n, d) => n * extentOf(d), 1);
    return e.add(e.mul(sequence.slot, size), flatIndex(dims, extentOf, at));
  };
  let token: Expression = ZERO;
  const step = new ScanStep(builder, plan, slices, {
    outerType,
    input: (index, offset, at) => {
      const input = states.length + index;
      const type = outerType(index);
      if (!hasTime(type)) return scope.input(input, at);
      if (offset === 0) return scope.input(input, { ...at, time: token });
      const value = builder.variable('earlier', 'f32', e.f32(0));
      builder.if(
        e.ge(token, e.add(sequence.first, offset)),
        () => value.set(scope.input(input, { ...at, time: builder.let('then', e.sub(token, offset)) })),
        () =>
          builder.if(e.gt(sequence.position, 0), () => {
            const history = bindHistory(scope, context, index, 'read');
            const row = e.sub(e.add(e.sub(token, sequence.first), history.reach), offset);
            const { dims } = history;
            value.set(history.buffer.at(history.address(sequence.slot, row, flatIndex(dims, extentOf, at))));
          }),
      );
      return builder.let('shifted', value.value);
    },
    given: (state) => {
      throw new Error(`state ${state} has no next value`);
    },
    kept: (state) => ({
      at: (at) => buffers[state]!.at(addressOf(state, at)),
      set: (at, value) => buffers[state]!.set(addressOf(state, at), value),
    }),
    yield: (_, at, value) => scope.output({ ...at, time: token }, value),
  });
  const walk = (): void => {
    builder.comment('states before the first token: as the last call left them, or initial');
    states.forEach((_, i) => {
      step.fill(i, (at, set) => {
        const starts = e.eq(sequence.position, 0);
        const initial = (): void => set(scope.input(i, at));
        if (step.holds(i)) builder.if(starts, initial, () => set(buffers[i]!.at(addressOf(i, at))));
        else builder.if(starts, initial);
      });
    });
    step.begin();
    builder.for('time', sequence.first, e.add(sequence.first, sequence.count), (time) => {
      token = time;
      step.token();
    });
    if (!plan.statesInWorkgroup) return;
    builder.comment('states after the last token');
    states.forEach((_, i) => step.drain(i, (at, value) => buffers[i]!.set(addressOf(i, at), value)));
  };
  builder.if(e.gt(sequence.count, 0), () => step.inBlock(walk));
}
