/**
 * The output of a chunk: y_l = exp(α_l) H C_l + Σ_{s ≤ l} (C_l · B_s) exp(α_l - α_s) dt_s x_s, with H the state before the chunk and
 * α the log decay since its beginning. Two matrix products into the same registers.
 */
import * as e from '../../kernel/expressions.js';
import type { KernelCall } from '../call.js';
import { describe, kernelName } from '../names.js';
import type { LoweringContext } from '../scope.js';
import { headBlocks, HeadTile } from './head-tile.js';
import { ChunkStates, CHUNK, SsdInputs, ssdShape, TokenScratch } from './shape.js';

export function chunkOutputs(context: LoweringContext<'ssd'>): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = ssdShape(graph, node);
  const inputs = new SsdInputs(scope, shape);
  const { heads, width } = shape;
  const { blocks, threads } = headBlocks(shape);
  const scratch = new TokenScratch(scope, node, shape, 'read');
  const states = new ChunkStates(scope, node, shape, 'read');
  const tile = new HeadTile(scope, shape, scratch);
  const { decays, steps, head, group } = tile;

  builder.comment('the state before the chunk times C');
  tile.addStateTimes(states, (time, quad) => inputs.C(time, group, quad));
  tile.sums.forEach((sum, i) => sum.set(e.mul(sum.value, e.exp(decays.at(tile.row(i))))));

  builder.comment('tokens of the chunk up to each one');
  tile.addWeighted(
    (l, s) => ({
      where: e.and(e.le(s, l), e.lt(l, tile.tile.count)),
      value: () => {
        const product = scratch.product(builder.let('time', e.add(tile.tile.first, l)), group, s);
        return e.mul(e.mul(product, e.exp(e.sub(decays.at(l), decays.at(s)))), steps.at(s));
      },
    }),
    (time, quad) => inputs.xQuad(time, head, quad),
  );
  tile.storeSums((_, time, p, value) => scope.output(shape.result(time, head, p), value));

  const perHead = width * shape.state;
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'outputs'),
    doc: `Outputs of chunks of ${CHUNK} tokens.`,
    label: describe(graph, [node.id]),
    workgroupSize: [threads, 1, 1],
    grid: [heads * blocks, `tiles${CHUNK}`, 1],
    cost: {
      weightElements: 0,
      values: [
        'add',
        ['mul', 'tokens', heads * (2 * width + shape.state + CHUNK)],
        ['mul', `tiles${CHUNK}`, heads * perHead],
      ],
      operations: ['mul', 'tokens', heads * (2 * perHead + CHUNK * width)],
    },
  });
}
