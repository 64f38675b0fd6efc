/**
 * One token: H = exp(dt A) H + dt x ⊗ B, y = H C. A workgroup takes 16 rows of a head's state (or all of a narrower head); eight
 * invocations a row, each striding over its fours, so that the state is read and written once in runs of 128 bytes.
 */
import * as e from '../../kernel/expressions.js';
import { readToken } from '../batch.js';
import type { KernelCall } from '../call.js';
import { describe, kernelName } from '../names.js';
import { ZERO4 } from '../quads.js';
import type { LoweringContext } from '../scope.js';
import { bindState, SsdInputs, ssdShape } from './shape.js';

const LANES = 8;
const ROWS = 16;

export function ssdStep(context: LoweringContext<'ssd'>): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = ssdShape(graph, node);
  const inputs = new SsdInputs(scope, shape);
  const { heads, width, stateQuads, headsPerGroup } = shape;
  const rows = Math.min(ROWS, width);
  const threads = rows * LANES;
  const local = e.builtin('local_index');
  const time = e.builtin('workgroup_z');
  const head = e.builtin('workgroup_y');
  const lane = builder.let('lane', e.mod(local, LANES));
  const firstRow = builder.let('first_row', e.mul(e.builtin('workgroup_x'), rows));
  const row = builder.let('row', e.add(firstRow, e.div(local, LANES)));
  const group = builder.let('group', headsPerGroup === 1 ? head : e.div(head, headsPerGroup));
  const partial = builder.shared('partial', 'f32', threads);
  const sum = builder.variable('sum', 'f32', e.f32(0));
  const update = (): void => {
    const { slot, position } = readToken(scope, time);
    const state = bindState(scope, node, 'read_write');
    const dt = builder.let('dt', inputs.dt(time, head));
    const decay = builder.let('decay', e.exp(e.mul(dt, inputs.A(head))));
    const drive = builder.let('drive', e.mul(dt, inputs.x(time, head, row)));
    const stateRow = builder.let('state_row', e.add(e.mul(e.add(e.mul(slot, heads), head), width), row));
    builder.for(
      'quad',
      lane,
      stateQuads,
      (quad) => {
        // A sequence's first token finds whatever an earlier sequence left.
        const before = builder.let('before', e.select(e.eq(position, 0), ZERO4, state.at(stateRow, quad)));
        const after = builder.let('after', e.add(e.mul(before, decay), e.mul(inputs.B(time, group, quad), drive)));
        state.set(stateRow, quad, after);
        sum.set(e.add(sum.value, e.dot(after, inputs.C(time, group, quad))));
      },
      { step: LANES },
    );
  };
  if (width % rows === 0) update();
  else builder.if(e.lt(row, width), update);
  partial.set(local, sum.value);
  builder.barrier();
  const column = builder.let('column', e.add(firstRow, local));
  builder.if(e.and(e.lt(local, rows), e.lt(column, width)), () => {
    const total = builder.variable('total', 'f32', e.f32(0));
    builder.for('n', 0, LANES, (n) => total.set(e.add(total.value, partial.at(e.add(e.mul(local, LANES), n)))));
    scope.output(shape.result(time, head, column), total.value);
  });
  const elements = heads * width * shape.state;
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'step'),
    doc: 'One token of the state space recurrence.',
    label: describe(graph, [node.id]),
    workgroupSize: [threads, 1, 1],
    grid: [Math.ceil(width / rows), heads, 'tokens'],
    cost: {
      weightElements: 0,
      values: ['mul', 'tokens', 2 * elements + 2 * heads * width],
      operations: ['mul', 'tokens', 5 * elements],
    },
  });
}
