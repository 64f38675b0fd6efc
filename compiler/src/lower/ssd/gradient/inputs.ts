/**
 * By head and chunk, like the output of the forward pass:
 *
 * - `carriedOutputs`: r_l = ⟨exp(α_l) H C_l, g_l⟩
 * - `inputGradients`: u_l = exp(α_Q - α_l) Γ B_l + Σ_{m ≥ l} (C_m · B_l) exp(α_m - α_l) g_m, dx = dt u, and of the first part
 *   n_l = dt_l ⟨x_l, ·⟩, of the whole ⟨u, x⟩
 */
import * as e from '../../../kernel/expressions.js';
import type { GraphNode } from '../../../graph/graph.js';
import type { KernelCall } from '../../call.js';
import { describe, kernelName } from '../../names.js';
import type { LoweringContext } from '../../scope.js';
import { headBlocks, HeadTile } from '../head-tile.js';
import { ChunkStates, CHUNK, SsdInputs, ssdShape, TokenScratch } from '../shape.js';
import type { SsdShape } from '../shape.js';
import { Terms } from './scratch.js';

function costOf({ heads, width, state }: SsdShape, inner: number): KernelCall['cost'] {
  return {
    weightElements: 0,
    values: [
      'add',
      ['mul', 'tokens', heads * (2 * width + state + CHUNK)],
      ['mul', `tiles${CHUNK}`, heads * width * state],
    ],
    operations: ['mul', 'tokens', heads * width * (2 * state + inner)],
  };
}

export function carriedOutputs(context: LoweringContext<'ssd_gradient'>): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const shape = ssdShape(graph, node);
  const { blocks, threads } = headBlocks(shape);
  const inputs = new SsdInputs(scope, shape);
  const terms = new Terms(scope, node, shape, 'read_write');
  const tile = new HeadTile(scope, shape, new TokenScratch(scope, node, shape, 'read'));
  const { head, group } = tile;
  tile.addStateTimes(new ChunkStates(scope, node, shape, 'read'), (time, quad) => inputs.C(time, group, quad));
  tile.dotSums(
    (time, quad) => inputs.gQuad(time, head, quad),
    (l, value) => {
      const time = scope.builder.let('time', e.add(tile.tile.first, l));
      terms.set('backward', time, head, tile.block, e.mul(value, e.exp(tile.decays.at(l))));
    },
  );
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'carried'),
    doc: 'How much of each output comes through the decay of the state before its chunk.',
    label: `${describe(graph, [node.id])}: carried outputs`,
    workgroupSize: [threads, 1, 1],
    grid: [shape.heads * blocks, `tiles${CHUNK}`, 1],
    cost: costOf(shape, 2),
  });
}

export function inputGradients(
  context: LoweringContext<'ssd_gradient'>,
  result: GraphNode<'ssd_gradient'> | undefined,
): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = ssdShape(graph, node);
  const { blocks, threads } = headBlocks(shape);
  const inputs = new SsdInputs(scope, shape);
  const scratch = new TokenScratch(scope, node, shape, 'read');
  const terms = new Terms(scope, node, shape, 'read_write');
  const tile = new HeadTile(scope, shape, scratch);
  const { head, group, decays, steps } = tile;

  builder.comment('the gradient of the state after the chunk times B');
  const gradients = new ChunkStates(scope, node, shape, 'read', 'gradients');
  tile.addStateTimes(gradients, (time, quad) => inputs.B(time, group, quad));
  const end = builder.let('decay_of_chunk', decays.at(CHUNK - 1));
  tile.sums.forEach((sum, i) => sum.set(e.mul(sum.value, e.exp(e.sub(end, decays.at(tile.row(i)))))));
  const timeOf = (l: typeof end): typeof end => builder.let('time', e.add(tile.tile.first, l));
  const x = (time: typeof end, quad: typeof end): typeof end => inputs.xQuad(time, head, quad);
  tile.dotSums(x, (l, value) => terms.set('forward', timeOf(l), head, tile.block, e.mul(value, steps.at(l))));

  builder.comment('tokens of the chunk from each one on');
  tile.addWeighted(
    (l, m) => ({
      where: e.and(e.le(l, m), e.lt(m, tile.tile.count)),
      value: () => {
        const product = scratch.product(timeOf(m), group, l);
        return e.mul(product, e.exp(e.sub(decays.at(m), decays.at(l))));
      },
    }),
    (time, quad) => inputs.gQuad(time, head, quad),
  );
  tile.dotSums(x, (l, value) => terms.set('step', timeOf(l), head, tile.block, value));
  if (result) {
    const [, headDim, widthDim] = result.type.dims;
    tile.storeSums((l, time, p, value) => {
      scope.outputOf(result.id, { time, [headDim!.name]: head, [widthDim!.name]: p }, e.mul(value, steps.at(l)));
    });
  }
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'inputs'),
    doc: 'Gradient of x.',
    label: `${describe(graph, [result?.id ?? node.id])}: x`,
    workgroupSize: [threads, 1, 1],
    grid: [shape.heads * blocks, `tiles${CHUNK}`, 1],
    cost: costOf(shape, CHUNK + 4),
  });
}
