/**
 * The output of a chunk: y_l = exp(α_l) H C_l + Σ_{s ≤ l} (C_l · B_s) exp(α_l - α_s) dt_s x_s, with H the state before the chunk and
 * α the log decay since its beginning. Two matrix products into the same registers: 64 tokens by a head's width, eight
 * invocations along the tokens of 8 × 4 elements each.
 */
import * as e from '../../kernel/expressions.js';
import { readTile } from '../batch.js';
import type { KernelCall } from '../call.js';
import { describe, kernelName } from '../names.js';
import { ZERO4 } from '../quads.js';
import type { LoweringContext } from '../scope.js';
import { ChunkStates, CHUNK, SsdInputs, ssdShape, TokenScratch } from './shape.js';

const SIDE = 8;
const EACH = CHUNK / SIDE;
/** Widest block of a head: 32 invocations of four. */
const BLOCK = 128;
/** Tokens staged at a time in the product within the chunk. */
const SLICE = 16;

export function chunkOutputs(context: LoweringContext<'ssd'>): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = ssdShape(graph, node);
  const inputs = new SsdInputs(scope, shape);
  const { heads, width, stateQuads } = shape;
  const blocks = Math.ceil(width / BLOCK);
  const columns = Math.ceil(width / 4 / blocks);
  const widthQuads = Math.ceil(width / 4);
  const threads = columns * SIDE;
  const scratch = new TokenScratch(scope, node, shape, 'read');
  const states = new ChunkStates(scope, node, shape, 'read');
  const local = e.builtin('local_index');
  const head = builder.let('head', blocks === 1 ? e.builtin('workgroup_x') : e.div(e.builtin('workgroup_x'), blocks));
  const group = builder.let('group', e.div(head, shape.headsPerGroup));
  const firstQuad =
    blocks === 1 ? e.u32(0) : builder.let('first_quad', e.mul(e.mod(e.builtin('workgroup_x'), blocks), columns));
  const chunk = e.builtin('workgroup_y');
  const tile = readTile(scope, CHUNK, chunk);
  const last = builder.let('last', e.sub(e.add(tile.first, tile.count), 1));
  const column = builder.let('column', e.mod(local, columns));
  const rowBlock = builder.let('row_block', e.div(local, columns));
  const firstRow = builder.let('first_row', e.mul(rowBlock, EACH));

  const slice = Math.min(4, stateQuads);
  const left = builder.shared('left', 'vec4f', Math.max(slice * CHUNK, (SLICE * CHUNK) / 4));
  const right = builder.shared('right', 'vec4f', Math.max(slice * 4, SLICE) * columns);
  const decays = builder.shared('decays', 'f32', CHUNK);
  const steps = builder.shared('steps', 'f32', CHUNK);
  builder.for(
    'l',
    local,
    CHUNK,
    (l) => {
      const time = builder.let('time', e.min(e.add(tile.first, l), last));
      decays.set(l, scratch.logDecay(time, head));
      steps.set(l, e.select(e.lt(l, tile.count), scratch.dt(time, head), e.f32(0)));
    },
    { step: threads },
  );
  const sums = Array.from({ length: EACH }, () => builder.variable('sum', 'vec4f', ZERO4));

  builder.comment('the state before the chunk times C');
  builder.for(
    'from',
    0,
    stateQuads,
    (from) => {
      const clamp = (quad: ReturnType<typeof e.add>) =>
        stateQuads % slice === 0 ? quad : builder.let('clamped', e.min(quad, stateQuads - 1));
      builder.for(
        'i',
        local,
        slice * CHUNK,
        (i) => {
          const time = builder.let('time', e.min(e.add(tile.first, e.mod(i, CHUNK)), last));
          const quad = builder.let('quad', e.add(from, e.div(i, CHUNK)));
          const c = inputs.C(time, group, clamp(quad));
          left.set(i, stateQuads % slice === 0 ? c : e.select(e.lt(quad, stateQuads), c, ZERO4));
        },
        { step: threads },
      );
      // Row p of the state lies where the invocation that owns column p / 4 finds it next to its neighbours'.
      builder.for(
        'i',
        local,
        slice * 4 * columns,
        (i) => {
          const p = builder.let('p', e.div(i, slice));
          const s = builder.let('s', e.mod(i, slice));
          const row = e.min(e.add(e.mul(firstQuad, 4), p), width - 1);
          const quad = builder.let('quad', e.add(from, s));
          const h = states.at(chunk, e.add(e.mul(head, width), row), clamp(quad));
          right.set(e.add(e.add(e.mul(s, 4 * columns), e.mul(e.mod(p, 4), columns)), e.div(p, 4)), h);
        },
        { step: threads },
      );
      builder.barrier();
      builder.for('s', 0, slice, (s) => {
        const rightAt = builder.let('right_at', e.add(e.mul(s, 4 * columns), column));
        const h = [0, 1, 2, 3].map((j) => builder.let('h', right.at(e.add(rightAt, j * columns))));
        const leftAt = builder.let('left_at', e.add(e.mul(s, CHUNK), firstRow));
        sums.forEach((sum, i) => {
          const c = builder.let('c', left.at(e.add(leftAt, i)));
          sum.set(e.add(sum.value, e.vector('vec4f', ...h.map((row) => e.dot(c, row)))));
        });
      });
      builder.barrier();
    },
    { step: slice },
  );
  sums.forEach((sum, i) => sum.set(e.mul(sum.value, e.exp(decays.at(e.add(firstRow, i))))));

  builder.comment('tokens of the chunk up to each one');
  builder.for(
    'from',
    0,
    tile.count,
    (from) => {
      builder.for(
        'i',
        local,
        (SLICE * CHUNK) / 4,
        (i) => {
          const s = builder.let('s', e.add(from, e.mod(i, SLICE)));
          const firstL = builder.let('first_l', e.mul(e.div(i, SLICE), 4));
          const weights = [0, 1, 2, 3].map((lane) => {
            const l = builder.let('l', e.add(firstL, lane));
            const weight = builder.variable('weight', 'f32', e.f32(0));
            builder.if(e.and(e.le(s, l), e.lt(l, tile.count)), () => {
              const product = scratch.product(builder.let('time', e.add(tile.first, l)), group, s);
              const decay = e.exp(e.sub(decays.at(l), decays.at(s)));
              weight.set(e.mul(e.mul(product, decay), steps.at(s)));
            });
            return weight.value;
          });
          left.set(e.add(e.mul(e.mod(i, SLICE), CHUNK / 4), e.div(i, SLICE)), e.vector('vec4f', ...weights));
        },
        { step: threads },
      );
      builder.for(
        'i',
        local,
        SLICE * columns,
        (i) => {
          const time = builder.let('time', e.min(e.add(e.add(tile.first, from), e.div(i, columns)), last));
          const quad = builder.let('quad', e.min(e.add(firstQuad, e.mod(i, columns)), widthQuads - 1));
          right.set(i, inputs.xQuad(time, head, quad));
        },
        { step: threads },
      );
      builder.barrier();
      builder.for('s', 0, SLICE, (s) => {
        const x = builder.let('x', right.at(e.add(e.mul(s, columns), column)));
        const leftAt = builder.let('left_at', e.add(e.mul(s, CHUNK / 4), e.mul(rowBlock, EACH / 4)));
        for (let four = 0; four < EACH / 4; four++) {
          const weights = builder.let('weights', left.at(e.add(leftAt, four)));
          for (let lane = 0; lane < 4; lane++) {
            const sum = sums[four * 4 + lane]!;
            sum.set(e.add(sum.value, e.mul(x, e.component(weights, lane))));
          }
        }
      });
      builder.barrier();
    },
    { step: SLICE },
  );

  const results = builder.array('results', 'f32', EACH * 4);
  sums.forEach((sum, i) => {
    for (let lane = 0; lane < 4; lane++) results.set(i * 4 + lane, e.component(sum.value, lane));
  });
  builder.for('n', 0, EACH * 4, (n) => {
    const l = builder.let('l', e.add(firstRow, e.div(n, 4)));
    const p = builder.let('p', e.add(e.mul(e.add(firstQuad, column), 4), e.mod(n, 4)));
    builder.if(e.and(e.lt(l, tile.count), e.lt(p, width)), () => {
      scope.output(shape.result(builder.let('time', e.add(tile.first, l)), head, p), results.at(n));
    });
  });
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
