/** The cache of keys and values: [slot, capacity, kv_heads, width], f32. */
import type { Graph, GraphNode } from '../../graph/graph.js';
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import { readToken } from '../batch.js';
import type { KernelCall } from '../call.js';
import { describe, kernelName } from '../names.js';
import { fitsBuffers } from '../pack.js';
import type { QuadRows } from '../quads.js';
import { bindRows, inputQuad, quadsOf } from '../quads.js';
import type { KernelScope, LoweringContext } from '../scope.js';
import { attendShape } from './shape.js';
import type { AttendShape } from './shape.js';

const THREADS = 256;

export type CacheName = 'key' | 'value';

export interface Cache {
  readonly rows: QuadRows;
  /** Row of a head's key or value at a position. */
  row(slot: Expression, position: Expression, head: Expression): Expression;
}

const capacities = new WeakMap<KernelScope, Expression>();

function capacityOf(scope: KernelScope): Expression {
  let capacity = capacities.get(scope);
  if (!capacity) {
    capacity = scope.uniform('capacity', 'capacity', 'u32', 'positions that the state holds per sequence');
    capacities.set(scope, capacity);
  }
  return capacity;
}

export function bindCache(
  scope: KernelScope,
  node: GraphNode<'attend'>,
  shape: AttendShape,
  name: CacheName,
  access: 'read' | 'read_write',
): Cache {
  const width = name === 'key' ? shape.keyWidth : shape.valueWidth;
  const rows = bindRows(
    scope,
    `${name}s`,
    { kind: 'state', node: node.id, name },
    width,
    access,
    `${name}s [slot, position, ${shape.kvHeads}, ${width}]`,
  );
  const capacity = capacityOf(scope);
  return {
    rows,
    row: (slot, position, head) => e.add(e.mul(e.add(e.mul(slot, capacity), position), shape.kvHeads), head),
  };
}

/**
 * Stores one element of the key or value of the token at `time`; for products whose rows these are.
 * @param element row-major index over heads and their elements
 */
export function storeKeyValueElement(
  scope: KernelScope,
  attend: { readonly graph: Graph; readonly node: GraphNode<'attend'> },
  name: CacheName,
  at: { readonly time: Expression; readonly element: Expression },
  value: Expression,
): void {
  const { kvHeads, keyWidth, valueWidth } = attendShape(attend.graph, attend.node);
  const width = name === 'key' ? keyWidth : valueWidth;
  const doc = `${name}s [slot, position, ${kvHeads}, ${width}]`;
  const cache = scope.bind(`${name}s`, { kind: 'state', node: attend.node.id, name }, 'f32', 'read_write', doc);
  const { slot, position } = readToken(scope, at.time);
  const token = e.add(e.mul(slot, capacityOf(scope)), position);
  cache.set(e.add(e.mul(token, kvHeads * width), at.element), value);
}

/** Stores four elements of the key or value of the token at `time`: elements 4 * quad … of the head's. */
function storeKeyValue(
  scope: KernelScope,
  attend: { readonly graph: Graph; readonly node: GraphNode<'attend'> },
  name: CacheName,
  at: { readonly time: Expression; readonly head: Expression; readonly quad: Expression },
  four: Expression,
): void {
  const cache = bindCache(scope, attend.node, attendShape(attend.graph, attend.node), name, 'read_write');
  const { slot, position } = readToken(scope, at.time);
  cache.rows.set(scope.builder.let('row', cache.row(slot, position, at.head)), at.quad, four);
}

/**
 * Kernels that write the call's keys and values to the cache: one if the buffers that the inputs come from leave room, else
 * two. Not needed if the products that make the inputs write them themselves.
 */
export function appendKeysValues(context: LoweringContext<'attend'>): readonly KernelCall[] {
  const both = append(context, ['key', 'value']);
  return fitsBuffers(both) ? [both] : [append(context, ['key']), append(context, ['value'])];
}

function append(context: LoweringContext<'attend'>, names: readonly CacheName[]): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = attendShape(graph, node);
  const time = e.builtin('workgroup_y');
  const unit = builder.let('unit', e.add(e.mul(e.builtin('workgroup_x'), THREADS), e.builtin('local_index')));
  const widest = Math.max(
    ...names.map((name) => shape.kvHeads * quadsOf(name === 'key' ? shape.keyWidth : shape.valueWidth)),
  );
  for (const name of names) {
    const type = name === 'key' ? shape.keyType : shape.valueType;
    const quads = quadsOf(type.dims[2]!.extent as number);
    builder.if(e.lt(unit, shape.kvHeads * quads), () => {
      const head = builder.let('head', e.div(unit, quads));
      const quad = builder.let('quad', e.mod(unit, quads));
      const four = inputQuad(scope, name === 'key' ? 1 : 2, type, { time, [type.dims[1]!.name]: head }, quad, 'repeat');
      storeKeyValue(scope, context, name, { time, head, quad }, four);
    });
  }
  const perToken =
    shape.kvHeads * names.reduce((n, name) => n + (name === 'key' ? shape.keyWidth : shape.valueWidth), 0);
  return scope.finish({
    name: kernelName(graph, mode, node.id, `append_${names.join('_')}`),
    doc: `Appends the tokens' ${names.map((n) => `${n}s`).join(' and ')} to the cache.`,
    label: `${describe(graph, [node.id])}: append ${names.map((n) => `${n}s`).join(' and ')}`,
    workgroupSize: [THREADS, 1, 1],
    grid: [Math.ceil(widest / THREADS), 'tokens', 1],
    cost: { weightElements: 0, values: ['mul', 'tokens', 2 * perToken], operations: 0 },
  });
}
