/**
 * What the kernels of attention's gradient read, with its prologues computed once and rows padded to fours:
 *
 * - query rows [token, head]: the scaled query, the gradient of the result, and a four of statistics: largest score, one
 *   over the sum of the exponentials, and Σ p dp (FlashAttention-2's D, Dao 2023), which a kernel of its own adds
 * - key rows [token, kv_head]: key and value
 */
import type { GraphNode } from '../../../graph/graph.js';
import { elementsPerToken } from '../../../graph/types.js';
import type { Buffer } from '../../../kernel/build.js';
import * as e from '../../../kernel/expressions.js';
import type { Operand } from '../../../kernel/expressions.js';
import type { Expression } from '../../../kernel/ir.js';
import type { KernelCall } from '../../call.js';
import { describe, kernelName } from '../../names.js';
import { fitsBuffers } from '../../pack.js';
import { inputQuad, quadsOf } from '../../quads.js';
import type { KernelScope, LoweringContext } from '../../scope.js';
import { attendShape } from '../shape.js';
import type { AttendShape } from '../shape.js';

const THREADS = 256;

/** A part of each row of a buffer. */
export interface RowPart {
  readonly quads: number;
  /** Elements 4 * quad … of the part in the row that begins at `row`. */
  at(row: Expression, quad: Operand): Expression;
}

export interface QueryRows {
  readonly query: RowPart;
  readonly gradient: RowPart;
  row(time: Expression, head: Expression): Expression;
  statistics(row: Expression): Expression;
  setStatistics(row: Expression, value: Expression): void;
  setStatistic(row: Expression, component: number, value: Expression): void;
}

export interface KeyRows {
  readonly key: RowPart;
  readonly value: RowPart;
  row(time: Expression, head: Expression): Expression;
}

type Access = 'read' | 'read_write';

function part(buffer: Buffer, offset: number, quads: number): RowPart {
  return { quads, at: (row, quad) => buffer.at(e.sum(row, quad, offset)) };
}

function bindQueryRows(scope: KernelScope, node: GraphNode, shape: AttendShape, access: Access) {
  const [query, gradient] = [quadsOf(shape.keyWidth), quadsOf(shape.valueWidth)];
  const stride = query + gradient + 1;
  const buffer = scope.bind(
    'query_rows',
    { kind: 'scratch', node: node.id, name: 'query_rows', elements: ['mul', 'tokens', 4 * shape.heads * stride] },
    'vec4f',
    access,
    `[token, ${shape.heads}]: scaled query [${shape.keyWidth}], gradient [${shape.valueWidth}], statistics`,
  );
  return { buffer, query, gradient, stride };
}

function bindKeyRows(scope: KernelScope, node: GraphNode, shape: AttendShape, access: Access) {
  const [key, value] = [quadsOf(shape.keyWidth), quadsOf(shape.valueWidth)];
  const stride = key + value;
  const buffer = scope.bind(
    'key_rows',
    { kind: 'scratch', node: node.id, name: 'key_rows', elements: ['mul', 'tokens', 4 * shape.kvHeads * stride] },
    'vec4f',
    access,
    `[token, ${shape.kvHeads}]: key [${shape.keyWidth}], value [${shape.valueWidth}]`,
  );
  return { buffer, key, value, stride };
}

export function queryRows(scope: KernelScope, node: GraphNode, shape: AttendShape, access: Access = 'read'): QueryRows {
  const { buffer, query, gradient, stride } = bindQueryRows(scope, node, shape, access);
  const statistics = (row: Expression): Expression => e.add(row, query + gradient);
  return {
    query: part(buffer, 0, query),
    gradient: part(buffer, query, gradient),
    row: (time, head) => e.mul(e.add(e.mul(time, shape.heads), head), stride),
    statistics: (row) => buffer.at(statistics(row)),
    setStatistics: (row, value) => buffer.set(statistics(row), value),
    setStatistic: (row, component, value) => buffer.setComponent(statistics(row), component, value),
  };
}

export function keyRows(scope: KernelScope, node: GraphNode, shape: AttendShape): KeyRows {
  const { buffer, key, value, stride } = bindKeyRows(scope, node, shape, 'read');
  return {
    key: part(buffer, 0, key),
    value: part(buffer, key, value),
    row: (time, head) => e.mul(e.add(e.mul(time, shape.kvHeads), head), stride),
  };
}

const INPUTS = ['queries', 'keys', 'values', 'gradients'] as const;

/** Kernels that write the rows: one if the buffers that the inputs come from leave room, else one for each input. */
export function prepareRows(context: LoweringContext<'attend_gradient'>): readonly KernelCall[] {
  const all = prepare(context, [0, 1, 2, 3]);
  return fitsBuffers(all) ? [all] : [0, 1, 2, 3].map((i) => prepare(context, [i]));
}

function prepare(context: LoweringContext<'attend_gradient'>, inputs: readonly number[]): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = attendShape(graph, node);
  const types = inputs.map((i) => graph.nodes[node.inputs[i]!]!.type);
  const units = types.map((type) => (type.dims[1]!.extent as number) * quadsOf(type.dims[2]!.extent as number));
  const widest = Math.max(...units);
  const tokens = Math.max(1, Math.floor(THREADS / widest));
  const perToken = tokens === 1 ? THREADS : widest;
  const local = e.builtin('local_index');
  const time = builder.let('time', e.add(e.mul(e.builtin('workgroup_y'), tokens), e.div(local, perToken)));
  const unit = builder.let('unit', e.add(e.mul(e.builtin('workgroup_x'), THREADS), e.mod(local, perToken)));
  const count = scope.uniform('tokens', 'tokens', 'u32', 'tokens of the call');
  const inside = e.and(e.lt(time, count), e.lt(e.div(local, perToken), tokens));
  inputs.forEach((i, n) => {
    const type = types[n]!;
    const quads = quadsOf(type.dims[2]!.extent as number);
    builder.if(e.and(inside, e.lt(unit, units[n]!)), () => {
      const head = builder.let('head', e.div(unit, quads));
      const quad = builder.let('quad', e.mod(unit, quads));
      const four = inputQuad(scope, i, type, { time, [type.dims[1]!.name]: head }, quad);
      const value = builder.let('four', i === 0 ? e.mul(four, node.attributes.scale) : four);
      const index = (heads: number, stride: number, offset: number): Expression =>
        e.sum(e.mul(e.add(e.mul(time, heads), head), stride), quad, offset);
      if (i === 0 || i === 3) {
        const { buffer, query, stride } = bindQueryRows(scope, node, shape, 'read_write');
        buffer.set(index(shape.heads, stride, i === 0 ? 0 : query), value);
      } else {
        const { buffer, key, stride } = bindKeyRows(scope, node, shape, 'read_write');
        buffer.set(index(shape.kvHeads, stride, i === 1 ? 0 : key), value);
      }
    });
  });
  const names = inputs.map((i) => INPUTS[i]!);
  return scope.finish({
    name: kernelName(graph, mode, node.id, `rows_of_${names.length === 4 ? 'all' : names.join('_')}`),
    doc: `Rows of ${names.join(', ')}; queries scaled by ${node.attributes.scale}.`,
    label: `${describe(graph, [node.id])}: rows`,
    workgroupSize: [THREADS, 1, 1],
    grid: [Math.ceil(widest / THREADS), ['ceil_div', 'tokens', tokens], 1],
    cost: {
      weightElements: 0,
      values: ['mul', 'tokens', types.reduce((n, type) => n + 2 * elementsPerToken(type), 0)],
      operations: 0,
    },
  });
}
