/** Queries with their prologue computed once, scaled, rows padded to fours: scratch [tokens, heads, fours], vec4f. */
import type { GraphNode } from '../../graph/graph.js';
import type { Buffer } from '../../kernel/build.js';
import * as e from '../../kernel/expressions.js';
import type { CallOperand, KernelCall } from '../call.js';
import { describe, kernelName } from '../names.js';
import { inputQuad, quadsOf } from '../quads.js';
import type { KernelScope, LoweringContext } from '../scope.js';
import { attendShape } from './shape.js';
import type { AttendShape } from './shape.js';

const THREADS = 256;

export function bindQueries(
  scope: KernelScope,
  node: GraphNode<'attend'>,
  shape: AttendShape,
  access: 'read' | 'read_write',
): Buffer {
  const perToken = shape.heads * quadsOf(shape.keyWidth);
  const operand: CallOperand = {
    kind: 'scratch',
    node: node.id,
    name: 'queries',
    elements: ['mul', 'tokens', 4 * perToken],
  };
  return scope.bind('queries', operand, 'vec4f', access, `scaled queries [token, ${shape.heads}, ${shape.keyWidth}]`);
}

export function prepareQueries(context: LoweringContext<'attend'>): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = attendShape(graph, node);
  const quads = quadsOf(shape.keyWidth);
  const perToken = shape.heads * quads;
  const time = e.builtin('workgroup_y');
  const unit = builder.let('unit', e.add(e.mul(e.builtin('workgroup_x'), THREADS), e.builtin('local_index')));
  builder.if(e.lt(unit, perToken), () => {
    const queries = bindQueries(scope, node, shape, 'read_write');
    const head = builder.let('head', e.div(unit, quads));
    const four = inputQuad(scope, 0, shape.queryType, shape.query(time, head), e.mod(unit, quads));
    queries.set(e.add(e.mul(time, perToken), unit), e.mul(four, node.attributes.scale));
  });
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'queries'),
    doc: `Scales the queries by ${node.attributes.scale}.`,
    label: `${describe(graph, [node.id])}: queries`,
    workgroupSize: [THREADS, 1, 1],
    grid: [Math.ceil(perToken / THREADS), 'tokens', 1],
    cost: { weightElements: 0, values: ['mul', 'tokens', 8 * perToken], operations: ['mul', 'tokens', 4 * perToken] },
  });
}
