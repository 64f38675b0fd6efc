import * as e from '../../kernel/expressions.js';
import type { OpAttributes, ScanNode } from '../../ops/attributes.js';
import { shiftedReach } from '../../ops/body.js';
import { readSequence } from '../batch.js';
import type { KernelCall } from '../call.js';
import { describe, kernelName } from '../names.js';
import { withinBufferLimit } from '../pack.js';
import type { Lowering, LoweringContext } from '../scope.js';
import { elementsPerToken } from '../../graph/types.js';
import { indicesOf } from './evaluate.js';
import { bindHistory } from './history.js';
import { writeScan } from './kernel.js';
import { extentOf } from './axes.js';
import { planScan } from './plan.js';

/** A recurrence that a block declares: see `kernel.ts`. Values that it reads shifted are kept by a kernel of their own. */
export const lowerScan: Lowering<'scan'> = withinBufferLimit((context) => {
  const { body } = context.node.attributes;
  const reach = shiftedReach(body, context.node.inputs.length - body.states.length);
  return [walk(context), ...reach.flatMap((tokens, index) => (tokens > 0 ? [keepHistory(context, index)] : []))];
});

function walk(context: LoweringContext<'scan'>): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const plan = planScan(node.attributes.body);
  writeScan(scope, context, plan);
  const slices = plan.slices.reduce((n, { extent, size }) => n * Math.ceil(extent / size), 1);
  const states = node.attributes.body.states.reduce((n, type) => n + elementsPerToken(type), 0);
  const perToken = node.inputs.reduce(
    (n, i) => n + elementsPerToken(graph.nodes[i]!.type),
    elementsPerToken(node.type),
  );
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'walk'),
    doc: `A recurrence over ${describeStates(node.attributes)}, token by token.`,
    label: describe(graph, [node.id]),
    workgroupSize: [plan.threads, 1, 1],
    grid: [slices, 'sequences', 1],
    cost: {
      weightElements: 0,
      values: ['add', ['mul', 'sequences', 2 * states], ['mul', 'tokens', perToken]],
      operations: ['mul', 'tokens', operationsPerToken(node.attributes.body.nodes)],
    },
  });
}

function describeStates({ body }: OpAttributes['scan']): string {
  return body.states.map((s) => `[${s.dims.map((d) => `${d.name}: ${extentOf(d)}`).join(', ')}]`).join(' and ');
}

/** Of all nodes of a body. */
export function operationsPerToken(nodes: readonly ScanNode[]): number {
  const leaves = ['scan_state', 'scan_input', 'constant'];
  return nodes.reduce((n, node) => {
    if (leaves.includes(node.op)) return n;
    const read = node.inputs.map((i) => elementsPerToken(nodes[i]!.type));
    return n + Math.max(elementsPerToken(node.type), ...read);
  }, 0);
}

const THREADS = 256;

/** Keeps the last values of an outer value that the body reads shifted, as a convolution keeps its inputs. */
function keepHistory(context: LoweringContext<'scan'>, index: number): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const history = bindHistory(scope, context, index, 'read_write');
  const { reach, dims, elements } = history;
  const sequence = readSequence(scope, e.builtin('workgroup_y'));
  const flat = builder.let('flat', e.add(e.mul(e.builtin('workgroup_x'), THREADS), e.builtin('local_index')));
  builder.if(e.and(e.lt(flat, elements), e.gt(sequence.count, 0)), () => {
    const place = indicesOf(builder, dims, extentOf, flat);
    // In order: a row is read before it is overwritten, since it moves to an earlier one.
    builder.for('row', 0, reach, (row) => {
      const end = builder.let('end', e.add(sequence.count, row));
      const value = builder.variable('value', 'f32', e.f32(0));
      builder.if(
        e.ge(end, reach),
        () => {
          const time = builder.let('time', e.sub(e.add(sequence.first, end), reach));
          value.set(scope.input(node.attributes.body.states.length + index, { ...place, time }));
        },
        () =>
          builder.if(e.gt(sequence.position, 0), () => {
            value.set(history.buffer.at(history.address(sequence.slot, end, flat)));
          }),
      );
      history.buffer.set(history.address(sequence.slot, row, flat), value.value);
    });
  });
  return scope.finish({
    name: kernelName(graph, mode, node.id, `history_${index}`),
    doc: `Keeps the last ${reach} values of input ${index}.`,
    label: `${describe(graph, [node.id])}: history`,
    workgroupSize: [THREADS, 1, 1],
    grid: [Math.ceil(elements / THREADS), 'sequences', 1],
    cost: { weightElements: 0, values: ['mul', 'sequences', 2 * reach * elements], operations: 0 },
  });
}
