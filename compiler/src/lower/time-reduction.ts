/**
 * Sums over all tokens, for the gradients of what every token reads, and maxima, for scales. Two kernels, so that many
 * workgroups take part and the order is always the same: over runs of tokens, then over these.
 */
import type { Size } from '@hyb/runtime';
import { Position, rowDims } from '../fuse/position.js';
import { elementsPerToken } from '../graph/types.js';
import * as e from '../kernel/expressions.js';
import type { Expression } from '../kernel/ir.js';
import type { CallOperand, KernelCall } from './call.js';
import { describe, kernelName } from './names.js';
import type { Coordinates, KernelScope, LoweringContext } from './scope.js';

const THREADS = 64;
/** Tokens of a run. */
const RUN = 64;

type Reduction = LoweringContext<'sum' | 'amax'>;

const LOWEST = -3.4e38;

/** Where a reduction starts, and how it goes on. */
function combination({ node }: Reduction): {
  readonly initial: number;
  readonly join: (a: Expression, b: Expression) => Expression;
} {
  return node.op === 'sum'
    ? { initial: 0, join: (a, b) => e.add(a, b) }
    : { initial: LOWEST, join: (a, b) => e.max(a, b) };
}

export function lowerTimeReduction(context: Reduction): readonly KernelCall[] {
  return [sumRuns(context), sumAll(context)];
}

function partials(scope: KernelScope, { node }: Reduction, access: 'read' | 'read_write') {
  const elements: Size = ['mul', ['ceil_div', 'tokens', RUN], elementsPerToken(node.type)];
  const operand: CallOperand = { kind: 'scratch', node: node.id, name: 'runs', elements };
  return scope.bind('runs', operand, 'f32', access, `reduced over runs of ${RUN} tokens [run, elements]`);
}

const elementOf = (scope: KernelScope): Expression =>
  scope.builder.let('element', e.add(e.mul(e.builtin('workgroup_x'), THREADS), e.builtin('local_index')));

function sumRuns(context: Reduction): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const input = graph.nodes[node.inputs[0]!]!;
  const { initial, join } = combination(context);
  const elements = elementsPerToken(node.type);
  const reduced = rowDims(input.type).filter((d) => node.attributes.dims.includes(d.name));
  const tokens = scope.uniform('token_count', 'tokens', 'u32', 'tokens of the call');
  const element = elementOf(scope);
  const run = e.builtin('workgroup_y');
  builder.if(e.lt(element, elements), () => {
    const place = Position.fromFlat(builder, rowDims(node.type), undefined, element);
    const sum = builder.variable('sum', 'f32', e.f32(initial));
    const coordinates: Record<string, Expression> = {};
    for (const d of rowDims(node.type)) coordinates[d.name] = place.at(d.name);
    const first = builder.let('first', e.mul(run, RUN));
    const end = builder.let('end', e.min(e.add(first, RUN), tokens));
    builder.for('time', first, end, (time) => {
      const walk = ([next, ...rest]: typeof reduced, at: Coordinates): void => {
        if (next === undefined) sum.set(join(sum.value, scope.input(0, at)));
        else builder.for(next.name, 0, next.extent, (i) => walk(rest, { ...at, [next.name]: i }));
      };
      walk(reduced, { ...coordinates, time });
    });
    partials(scope, context, 'read_write').set(e.add(e.mul(run, elements), element), sum.value);
  });
  const perToken = elementsPerToken(input.type);
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'runs'),
    doc: `Reduces runs of ${RUN} tokens.`,
    label: `${describe(graph, [node.id])}: runs of tokens`,
    workgroupSize: [THREADS, 1, 1],
    grid: [Math.ceil(elements / THREADS), ['ceil_div', 'tokens', RUN], 1],
    cost: { weightElements: 0, values: ['mul', 'tokens', perToken], operations: ['mul', 'tokens', perToken] },
  });
}

function sumAll(context: Reduction): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const { initial, join } = combination(context);
  const elements = elementsPerToken(node.type);
  const runs = scope.uniform('run_count', ['ceil_div', 'tokens', RUN], 'u32', 'runs of tokens');
  const element = elementOf(scope);
  builder.if(e.lt(element, elements), () => {
    const sum = builder.variable('sum', 'f32', e.f32(initial));
    builder.for('run', 0, runs, (run) => {
      sum.set(join(sum.value, partials(scope, context, 'read').at(e.add(e.mul(run, elements), element))));
    });
    const place = Position.fromFlat(builder, rowDims(node.type), undefined, element);
    scope.output(Object.fromEntries(rowDims(node.type).map((d) => [d.name, place.at(d.name)])), sum.value);
  });
  const count: Size = ['mul', ['ceil_div', 'tokens', RUN], elements];
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'all_runs'),
    doc: describe(graph, [node.id]),
    label: describe(graph, [node.id]),
    workgroupSize: [THREADS, 1, 1],
    grid: [Math.ceil(elements / THREADS), 1, 1],
    cost: { weightElements: 0, values: count, operations: count },
  });
}
