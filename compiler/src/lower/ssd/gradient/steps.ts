/**
 * Gradients of dt and A. The logarithm of a token's decay, dt A, gets what passes over the token's border: outputs from it on of
 * what the state before the chunk brought (r), inputs before it to the state after the chunk (n), pairs of tokens on both sides,
 * and the state that is carried through the whole chunk: exp(α_Q) ⟨H, Γ⟩. Sums of these, never differences: what a token adds
 * may be far smaller than what passes by.
 */
import * as e from '../../../kernel/expressions.js';
import type { Expression } from '../../../kernel/ir.js';
import type { GraphNode } from '../../../graph/graph.js';
import { readTile } from '../../batch.js';
import type { KernelCall } from '../../call.js';
import { describe, kernelName } from '../../names.js';
import type { LoweringContext } from '../../scope.js';
import { knownByTree } from '../../workgroup-tree.js';
import { ChunkStates, CHUNK, SsdInputs, ssdShape, TokenScratch } from '../shape.js';
import { bindRates, Terms } from './scratch.js';

const THREADS = CHUNK;

export function stepGradients(
  context: LoweringContext<'ssd_gradient'>,
  result: GraphNode<'ssd_gradient'> | undefined,
): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = ssdShape(graph, node);
  const { heads, width, stateQuads } = shape;
  const inputs = new SsdInputs(scope, shape);
  const scratch = new TokenScratch(scope, node, shape, 'read');
  const terms = new Terms(scope, node, shape, 'read');
  const states = new ChunkStates(scope, node, shape, 'read');
  const gradients = new ChunkStates(scope, node, shape, 'read', 'gradients');
  const rates = bindRates(scope, node, shape, 'read_write');
  const local = e.builtin('local_index');
  const head = e.builtin('workgroup_x');
  const chunk = e.builtin('workgroup_y');
  const tile = readTile(scope, CHUNK, chunk);
  const last = builder.let('last', e.sub(e.add(tile.first, tile.count), 1));
  const forward = builder.shared('forward', 'f32', CHUNK);
  const backward = builder.shared('backward', 'f32', CHUNK);
  const partial = builder.shared('partial', 'f32', THREADS);
  const time = builder.let('time', e.min(e.add(tile.first, local), last));
  const inside = builder.let('is_token', e.lt(local, tile.count));
  const orZero = (value: Expression): Expression => e.select(inside, value, e.f32(0));
  /** Sum over the workgroup, known to all; ends in step. */
  const total = (value: Expression): Expression => knownByTree(builder, partial, THREADS, 'whole', value, e.add);
  forward.set(local, orZero(terms.at('forward', time, head)));
  backward.set(local, orZero(terms.at('backward', time, head)));
  const kept = builder.variable('kept', 'f32', e.f32(0));
  const row = builder.let('row', e.mul(head, width));
  builder.for(
    'i',
    local,
    width * stateQuads,
    (i) => {
      const own = builder.let('own', e.add(row, e.div(i, stateQuads)));
      const quad = builder.let('quad', e.mod(i, stateQuads));
      kept.set(e.add(kept.value, e.dot(states.at(chunk, own, quad), gradients.at(chunk, own, quad))));
    },
    { step: THREADS },
  );
  const carried = e.mul(total(kept.value), e.exp(scratch.logDecay(last, head)));
  const decay = builder.variable('decay', 'f32', e.add(carried, terms.at('inside', time, head)));
  builder.for('l', local, tile.count, (l) => decay.set(e.add(decay.value, backward.at(l))));
  builder.for('s', 0, e.min(local, tile.count), (s) => decay.set(e.add(decay.value, forward.at(s))));
  if (result) {
    builder.if(inside, () => {
      const value = e.add(terms.at('step', time, head), e.mul(inputs.A(head), decay.value));
      scope.outputOf(result.id, { time, [result.type.dims[1]!.name]: head }, value);
    });
  }
  const rate = total(orZero(e.mul(decay.value, scratch.dt(time, head))));
  builder.if(e.eq(local, 0), () => rates.set(e.add(e.mul(chunk, heads), head), rate));
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'steps'),
    doc: "Gradient of dt, and each chunk's part of the gradient of A.",
    label: `${describe(graph, [result?.id ?? node.id])}: dt`,
    workgroupSize: [THREADS, 1, 1],
    grid: [heads, `tiles${CHUNK}`, 1],
    cost: {
      weightElements: 0,
      values: ['add', ['mul', 'tokens', 6 * heads], ['mul', `tiles${CHUNK}`, 8 * heads * width * stateQuads]],
      operations: ['mul', 'tokens', heads * (CHUNK + (8 * width * stateQuads) / CHUNK)],
    },
  });
}

/** Adds up the chunks' parts of the gradient of A, in order. */
export function rateGradients(context: LoweringContext<'ssd_gradient'>, result: GraphNode<'ssd_gradient'>): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = ssdShape(graph, node);
  const { heads } = shape;
  const rates = bindRates(scope, node, shape, 'read');
  const chunks = scope.uniform('chunks', `tiles${CHUNK}`, 'u32', 'chunks of all sequences');
  const head = builder.let('head', e.add(e.mul(e.builtin('workgroup_x'), THREADS), e.builtin('local_index')));
  builder.if(e.lt(head, heads), () => {
    const sum = builder.variable('sum', 'f32', e.f32(0));
    builder.for('chunk', 0, chunks, (chunk) => sum.set(e.add(sum.value, rates.at(e.add(e.mul(chunk, heads), head)))));
    scope.outputOf(result.id, { [result.type.dims[0]!.name]: head }, sum.value);
  });
  return scope.finish({
    name: kernelName(graph, mode, result.id, 'rates'),
    doc: 'Gradient of A.',
    label: `${describe(graph, [result.id])}: A`,
    workgroupSize: [THREADS, 1, 1],
    grid: [Math.ceil(heads / THREADS), 1, 1],
    cost: { weightElements: 0, values: ['mul', `tiles${CHUNK}`, heads], operations: ['mul', `tiles${CHUNK}`, heads] },
  });
}
