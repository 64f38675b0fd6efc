/**
 * Passes states from chunk to chunk and their gradients back: afterwards scratch holds the state before each chunk, H, and
 * the gradient of the state after it, Γ.
 */
import * as e from '../../../kernel/expressions.js';
import type { Expression } from '../../../kernel/ir.js';
import { readSequence, readTile } from '../../batch.js';
import type { KernelCall } from '../../call.js';
import { describe, kernelName } from '../../names.js';
import { ZERO4 } from '../../quads.js';
import type { LoweringContext } from '../../scope.js';
import { ChunkStates, CHUNK, ssdShape, TokenScratch } from '../shape.js';

const TILES = `tiles${CHUNK}` as const;
const THREADS = 256;

export function passBoth(context: LoweringContext<'ssd_gradient'>): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = ssdShape(graph, node);
  const { heads, width, stateQuads } = shape;
  const units = heads * width * stateQuads;
  const chunk = e.builtin('workgroup_y');
  const tile = readTile(scope, CHUNK, chunk);
  const unit = builder.let('unit', e.add(e.mul(e.builtin('workgroup_x'), THREADS), e.builtin('local_index')));
  // One row of workgroups a sequence: that of its first chunk.
  builder.if(e.and(e.eq(tile.index, 0), e.lt(unit, units)), () => {
    const { first, count } = readSequence(scope, tile.sequence);
    const scratch = new TokenScratch(scope, node, shape, 'read');
    const row = builder.let('row', e.div(unit, stateQuads));
    const quad = builder.let('quad', e.mod(unit, stateQuads));
    const head = builder.let('head', e.div(row, width));
    const chunks = builder.let('chunks', e.ceilDiv(count, CHUNK));
    /** Replaces what chunk `n` of the sequence adds by what was carried to it. */
    const pass = (states: ChunkStates, chunkOf: (n: Expression) => Expression): void => {
      const carried = builder.variable('carried', 'vec4f', ZERO4);
      builder.for('n', 0, chunks, (n) => {
        const index = builder.let('index', chunkOf(n));
        const own = builder.let('own', e.add(chunk, index));
        const last = e.sub(e.add(first, e.min(e.mul(e.add(index, 1), CHUNK), count)), 1);
        const added = builder.let('added', states.at(own, row, quad));
        states.set(own, row, quad, carried.value);
        const decay = e.exp(scratch.logDecay(builder.let('last', last), head));
        carried.set(e.add(e.mul(carried.value, decay), added));
      });
    };
    pass(new ChunkStates(scope, node, shape, 'read_write'), (n) => n);
    pass(new ChunkStates(scope, node, shape, 'read_write', 'gradients'), (n) => e.sub(e.sub(chunks, 1), n));
  });
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'pass'),
    doc: 'Passes the state from chunk to chunk, and its gradient back.',
    label: `${describe(graph, [node.id])}: state passing`,
    workgroupSize: [THREADS, 1, 1],
    grid: [Math.ceil(units / THREADS), TILES, 1],
    cost: {
      weightElements: 0,
      values: ['mul', TILES, 16 * units],
      operations: ['mul', TILES, 16 * units],
    },
  });
}
