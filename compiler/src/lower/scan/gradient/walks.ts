/**
 * The walks of a scan's gradient. Of T tokens the states before every 32nd are kept; the tokens between are computed again,
 * from the last chunk to the first, so that T / 32 + 32 states are in memory, not T.
 */
import * as e from '../../../kernel/expressions.js';
import type { Expression } from '../../../kernel/ir.js';
import { readSequence, readTile } from '../../batch.js';
import type { SequenceEntry } from '../../batch.js';
import type { KernelCall } from '../../call.js';
import { describe, kernelName } from '../../names.js';
import type { KernelScope } from '../../scope.js';
import { extentOf } from '../axes.js';
import { flatIndex, ZERO } from '../evaluate.js';
import type { Place } from '../evaluate.js';
import { planWalks } from '../plan.js';
import type { ScanLayout } from '../plan.js';
import { operationsPerToken } from '../scan.js';
import { ScanSlices } from '../slices.js';
import { ScanStep } from '../step.js';
import { CHUNK, jointOf } from './joint.js';
import type { GradientContext } from './joint.js';
import { bindCheckpoints, bindKept, bindReads, bindWindow, readOuter } from './memory.js';
import type { StateMemory } from './memory.js';

/** Workgroups for a layout's slices of a sequence. */
const workgroupsOf = ({ slices }: ScanLayout): number =>
  slices.reduce((n, { extent, size }) => n * Math.ceil(extent / size), 1);

interface SequencePlace extends SequenceEntry {
  /** Index of the sequence, of its first tile, and the number of its tiles. */
  readonly index: Expression;
  readonly tile: Expression;
  readonly chunks: Expression;
}

/** Runs `body` in the row of workgroups of each sequence's first tile. */
function eachSequence(scope: KernelScope, body: (sequence: SequencePlace) => void): void {
  const { builder } = scope;
  const tile = readTile(scope, CHUNK, e.builtin('workgroup_y'));
  builder.if(e.eq(tile.index, 0), () => {
    const sequence = readSequence(scope, tile.sequence);
    const chunks = builder.let('chunks', e.ceilDiv(sequence.count, CHUNK));
    body({ ...sequence, index: tile.sequence, tile: e.builtin('workgroup_y'), chunks });
  });
}

/** Walks forwards and keeps the states before each chunk. */
export function keepCheckpoints(context: GradientContext): KernelCall {
  const { graph, node, mode } = context;
  const { body } = node.attributes;
  const joint = jointOf(context);
  const scope = context.scope();
  const { builder } = scope;
  const renews = body.next.map((next, state) => ({ state, node: next }));
  const [plan] = planWalks({ nodes: body.nodes, states: body.states, walks: [{ renews, yields: [] }] });
  const slices = new ScanSlices(builder, plan!, e.builtin('workgroup_x'));
  eachSequence(scope, (sequence) => {
    const checkpoints = bindCheckpoints(scope, context, joint, 'read_write');
    let token = ZERO;
    const step = new ScanStep(builder, plan!, slices, {
      outerType: (index) => joint.outerType(index),
      input: (index, offset, at) => readOuter(scope, joint, sequence.first, token, { index, offset, at }),
      given: notGiven,
      kept: (state) => {
        const kept = bindKept(scope, context, joint, 'read_write');
        return {
          at: (at) => kept.at(sequence.index, state, at),
          set: (at, value) => kept.set(sequence.index, state, at, value),
        };
      },
      yield: () => undefined,
    });
    step.inBlock(() => {
      body.states.forEach((_, i) => step.fill(i, (at, set) => set(scope.input(i, at))));
      step.begin();
      builder.for('chunk', 0, sequence.chunks, (chunk) => {
        step.inBlock(() => {
          const tile = builder.let('own_tile', e.add(sequence.tile, chunk));
          body.states.forEach((_, i) => step.drain(i, (at, value) => checkpoints.set(tile, i, at, value)));
          const start = builder.let('chunk_start', e.add(sequence.first, e.mul(chunk, CHUNK)));
          // Nobody needs the states after the last chunk.
          const end = e.select(e.lt(e.add(chunk, 1), sequence.chunks), e.add(start, CHUNK), start);
          builder.for('time', start, builder.let('chunk_end', end), (time) => {
            token = time;
            step.token();
          });
        });
      });
    });
  });
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'checkpoints'),
    doc: `The states before every ${CHUNK}th token.`,
    label: `${describe(graph, [node.id])}: checkpoints`,
    workgroupSize: [plan!.threads, 1, 1],
    grid: [workgroupsOf(plan!), `tiles${CHUNK}`, 1],
    cost: {
      weightElements: 0,
      values: ['mul', `tiles${CHUNK}`, joint.stateElements],
      operations: ['mul', 'tokens', operationsPerToken(body.nodes)],
    },
  });
}

function notGiven(state: number): never {
  throw new Error(`state ${state} has no next value`);
}

/** Walks backwards, chunk by chunk, each forwards first. */
export function walkBack(context: GradientContext): KernelCall {
  const { graph, node, mode } = context;
  const joint = jointOf(context);
  const { count, forward, backward } = joint;
  const scope = context.scope();
  const { builder } = scope;
  const states = Array.from({ length: count }, (_, i) => i);
  const slices = new ScanSlices(builder, backward, e.builtin('workgroup_x'));
  eachSequence(scope, (sequence) => {
    const checkpoints = bindCheckpoints(scope, context, joint, 'read');
    const window = bindWindow(scope, context, joint);
    const kept = (): StateMemory => bindKept(scope, context, joint, 'read_write');
    const rows = e.mul(sequence.index, CHUNK);
    let token = ZERO;
    let windowRow = ZERO;
    const memory = {
      outerType: (index: number) => joint.outerType(index),
      input: (index: number, offset: number, at: Place) =>
        readOuter(scope, joint, sequence.first, token, { index, offset, at }),
      given: (state: number, at: Place) => window.at(windowRow, state, at),
      kept: (state: number) => ({
        at: (at: Place) => kept().at(sequence.index, state, at),
        set: (at: Place, value: Expression) => kept().set(sequence.index, state, at, value),
      }),
      yield: (index: number, at: Place, value: Expression) => {
        const read = joint.reads[index]!;
        const flat = flatIndex(read.dims, extentOf, at);
        if (read.timed) {
          bindReads(scope, context, joint, 'timed', 'read_write').set(token, index, flat, value);
          return;
        }
        const sums = bindReads(scope, context, joint, 'fixed', 'read_write');
        const own = builder.let('own', flat);
        sums.set(sequence.index, index, own, e.add(sums.at(sequence.index, index, own), value));
      },
    };
    const ahead = new ScanStep(builder, forward, slices, memory);
    const back = new ScanStep(builder, backward, slices, memory);
    const inBlock = (body: () => void): void => ahead.inBlock(() => back.inBlock(body));
    const keep = (row: Expression): void => {
      for (const i of states) ahead.drain(i, (at, value) => window.set(row, i, at, value));
    };
    inBlock(() => {
      for (const i of states) back.fill(count + i, (_, set) => set(e.f32(0)));
      joint.reads.forEach((read, index) => {
        if (read.timed) return;
        const sums = bindReads(scope, context, joint, 'fixed', 'read_write');
        back.ownYield(index, (at) => {
          sums.set(sequence.index, index, flatIndex(read.dims, extentOf, at), e.f32(0));
        });
      });
      ahead.begin();
      back.begin();
      builder.for('turn', 0, sequence.chunks, (turn) => {
        inBlock(() => {
          const chunk = builder.let('chunk', e.sub(e.sub(sequence.chunks, 1), turn));
          const tile = builder.let('own_tile', e.add(sequence.tile, chunk));
          const passed = builder.let('passed', e.mul(chunk, CHUNK));
          const start = builder.let('chunk_start', e.add(sequence.first, passed));
          const length = builder.let('length', e.min(e.sub(sequence.count, passed), CHUNK));
          builder.comment('the states before each token of the chunk');
          // Others may still read those of the chunk after it.
          builder.barrier({ storage: true });
          for (const i of states) ahead.fill(i, (at, set) => set(checkpoints.at(tile, i, at)));
          keep(rows);
          builder.for('done', 1, length, (done) => {
            inBlock(() => {
              token = builder.let('time', e.sub(e.add(start, done), 1));
              ahead.token();
              keep(builder.let('window_row', e.add(rows, done)));
            });
          });
          builder.barrier({ storage: true });
          builder.comment('their gradients, from the last token on');
          builder.for('done', 0, length, (done) => {
            inBlock(() => {
              const index = builder.let('index', e.sub(e.sub(length, 1), done));
              token = builder.let('time', e.add(start, index));
              windowRow = builder.let('window_row', e.add(rows, index));
              back.token();
            });
          });
        });
      });
      if (!backward.statesInWorkgroup) return;
      const wanted = states.filter((i) => context.nodes.some((n) => n.attributes.of === i));
      if (wanted.length > 0) builder.comment('gradients of the states before the first token');
      for (const i of wanted) {
        back.drain(count + i, (at, value) => kept().set(sequence.index, count + i, at, value));
      }
    });
  });
  const operations = operationsPerToken(forward.nodes);
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'walk_back'),
    doc: 'Gradients of a recurrence, token by token from the last to the first.',
    label: `${describe(graph, [node.id])}: walk back`,
    workgroupSize: [backward.threads, 1, 1],
    grid: [workgroupsOf(backward), `tiles${CHUNK}`, 1],
    cost: {
      weightElements: 0,
      values: ['mul', 'tokens', 3 * joint.stateElements + 2 * joint.timedElements],
      operations: ['mul', 'tokens', 2 * operations],
    },
  });
}
