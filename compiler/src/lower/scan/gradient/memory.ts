/** What the kernels of a scan's gradient leave for each other and for themselves. */
import type { Size } from '@hyb/runtime';
import { hasTime } from '../../../graph/types.js';
import * as e from '../../../kernel/expressions.js';
import type { Expression } from '../../../kernel/ir.js';
import type { KernelScope } from '../../scope.js';
import { extentOf } from '../axes.js';
import { flatIndex } from '../evaluate.js';
import type { Place } from '../evaluate.js';
import { CHUNK } from './joint.js';
import type { GradientContext, Joint } from './joint.js';

type Access = 'read' | 'read_write';

/** Values of states or of their gradients. */
export interface StateMemory {
  at(row: Expression, state: number, place: Place): Expression;
  set(row: Expression, state: number, place: Place, value: Expression): void;
}

function bindStates(
  scope: KernelScope,
  { node }: GradientContext,
  { stateTypes, stateStarts, stateElements, count }: Joint,
  name: string,
  rows: Size,
  sets: 1 | 2,
  access: Access,
  doc: string,
): StateMemory {
  const elements: Size = ['mul', rows, sets * stateElements];
  const buffer = scope.bind(name, { kind: 'scratch', node: node.id, name, elements }, 'f32', access, doc);
  const index = (row: Expression, state: number, place: Place): Expression => {
    const start = stateStarts[state % count]! + (state < count ? 0 : stateElements);
    const flat = flatIndex(stateTypes[state % count]!.dims, extentOf, place);
    return e.sum(e.mul(row, sets * stateElements), flat, start);
  };
  return {
    at: (row, state, place) => buffer.at(index(row, state, place)),
    set: (row, state, place, value) => buffer.set(index(row, state, place), value),
  };
}

/** The states before each chunk; rows are the batch's tiles. */
export function bindCheckpoints(scope: KernelScope, context: GradientContext, joint: Joint, access: Access) {
  const doc = `the states [${joint.stateElements}] before each chunk of ${CHUNK} tokens`;
  return bindStates(scope, context, joint, 'checkpoints', `tiles${CHUNK}`, 1, access, doc);
}

/** The states before each token of the chunk that a sequence is at. */
export function bindWindow(scope: KernelScope, context: GradientContext, joint: Joint) {
  const doc = `the states [${joint.stateElements}] before each token of a chunk [sequence, ${CHUNK}]`;
  return bindStates(scope, context, joint, 'window', ['mul', 'sequences', CHUNK], 1, 'read_write', doc);
}

/**
 * The states of each sequence and their gradients, where they do not fit into workgroup memory; the gradients of the first
 * token's, in the end.
 */
export function bindKept(scope: KernelScope, context: GradientContext, joint: Joint, access: Access) {
  const doc = `the states [${joint.stateElements}] of each sequence, and their gradients`;
  return bindStates(scope, context, joint, 'kept', 'sequences', 2, access, doc);
}

/** The walk's gradients of reads: of each token, or added up over a sequence's tokens. */
export function bindReads(
  scope: KernelScope,
  { node }: GradientContext,
  joint: Joint,
  kind: 'timed' | 'fixed',
  access: Access,
) {
  const perRow = kind === 'timed' ? joint.timedElements : joint.fixedElements;
  const rows = kind === 'timed' ? 'tokens' : 'sequences';
  const name = kind === 'timed' ? 'reads' : 'sums';
  const doc = kind === 'timed' ? `gradients of each token's reads [${perRow}]` : `sums over each sequence [${perRow}]`;
  const operand = { kind: 'scratch', node: node.id, name, elements: ['mul', rows, perRow] } as const;
  const buffer = scope.bind(name, operand, 'f32', access, doc);
  const index = (row: Expression, read: number, flat: Expression): Expression =>
    e.sum(e.mul(row, perRow), flat, joint.reads[read]!.start);
  return {
    at: (row: Expression, read: number, flat: Expression) => buffer.at(index(row, read, flat)),
    set: (row: Expression, read: number, flat: Expression, value: Expression) =>
      buffer.set(index(row, read, flat), value),
  };
}

/** An outer value `offset` tokens before `token`; zero before the sequence's start. */
export function readOuter(
  scope: KernelScope,
  joint: Joint,
  sequenceStart: Expression,
  token: Expression,
  { index, offset, at }: { readonly index: number; readonly offset: number; readonly at: Place },
): Expression {
  const { builder } = scope;
  const input = joint.count + index;
  if (!hasTime(joint.outerType(index))) return scope.input(input, at);
  if (offset === 0) return scope.input(input, { ...at, time: token });
  const value = builder.variable('earlier', 'f32', e.f32(0));
  builder.if(e.ge(token, e.add(sequenceStart, offset)), () => {
    value.set(scope.input(input, { ...at, time: builder.let('then', e.sub(token, offset)) }));
  });
  return builder.let('shifted', value.value);
}
