/**
 * Gradients of B and C, per group, heads one after the other in the same registers:
 *
 * - dB_s = Σ_heads exp(α_Q - α_s) dt_s Γᵀ x_s + Σ_{l ≥ s} pairs_ls C_l
 * - dC_l = Σ_heads exp(α_l) Hᵀ g_l + Σ_{s ≤ l} pairs_ls B_s
 *
 * A chunk of 64 tokens in fours, by up to 32 fours of the state.
 */
import * as e from '../../../kernel/expressions.js';
import type { Expression } from '../../../kernel/ir.js';
import type { GraphNode } from '../../../graph/graph.js';
import { readTile } from '../../batch.js';
import type { KernelCall } from '../../call.js';
import { describe, kernelName } from '../../names.js';
import { ZERO4 } from '../../quads.js';
import type { LoweringContext } from '../../scope.js';
import { ChunkStates, CHUNK, SsdInputs, ssdShape, TokenScratch } from '../shape.js';
import { Pairs } from './scratch.js';

const ROWS = CHUNK / 4;
const SLICE = 16;

export function vectorGradient(
  context: LoweringContext<'ssd_gradient'>,
  result: GraphNode<'ssd_gradient'>,
): KernelCall {
  const { graph, node, mode } = context;
  const ofB = result.attributes.of === 'B';
  const scope = context.scope();
  const { builder } = scope;
  const shape = ssdShape(graph, node);
  const { stateQuads, width, heads, groups, state } = shape;
  const inputs = new SsdInputs(scope, shape);
  const scratch = new TokenScratch(scope, node, shape, 'read');
  const states = new ChunkStates(scope, node, shape, 'read', ofB ? 'gradients' : 'chunks');
  const pairs = new Pairs(scope, node, shape, 'read');
  const blocks = Math.ceil(stateQuads / 32);
  const quads = Math.ceil(stateQuads / blocks);
  const each = quads > 16 ? 2 : 1;
  const columns = Math.ceil(quads / each);
  const threads = ROWS * columns;
  const local = e.builtin('local_index');
  const x = e.builtin('workgroup_x');
  const group = builder.let('group', blocks === 1 ? x : e.div(x, blocks));
  const firstQuad = blocks === 1 ? e.u32(0) : builder.let('first_quad', e.mul(e.mod(x, blocks), columns * each));
  const chunk = e.builtin('workgroup_y');
  const tile = readTile(scope, CHUNK, chunk);
  const last = builder.let('last', e.sub(e.add(tile.first, tile.count), 1));
  const left = builder.shared('left', 'vec4f', SLICE * ROWS);
  const right = builder.shared('right', 'vec4f', SLICE * columns * each);
  const weights = builder.shared('token_weights', 'f32', CHUNK);
  const column = builder.let('column', e.mod(local, columns));
  const row = builder.let('row', e.div(local, columns));
  const sums = Array.from({ length: 4 }, () =>
    Array.from({ length: each }, () => builder.variable('sum', 'vec4f', ZERO4)),
  );
  const timeOf = (l: Expression): Expression => builder.let('time', e.min(e.add(tile.first, l), last));
  /** Adds left[from + n, token] right[from + n, state] for n below SLICE; ends in step. */
  const addSlice = (
    leftOf: (n: Expression, firstToken: Expression) => Expression,
    rightOf: (n: Expression, quad: Expression) => Expression,
  ): void => {
    builder.for(
      'i',
      local,
      SLICE * ROWS,
      (i) => {
        // Neighbours read neighbouring elements of a token.
        const n = builder.let('n', e.mod(i, SLICE));
        const four = builder.let('four', e.div(i, SLICE));
        left.set(e.add(e.mul(n, ROWS), four), leftOf(n, builder.let('first_token', e.mul(four, 4))));
      },
      { step: threads },
    );
    builder.for(
      'i',
      local,
      SLICE * columns * each,
      (i) => {
        const n = builder.let('n', e.div(i, columns * each));
        const quad = e.min(e.add(firstQuad, e.mod(i, columns * each)), stateQuads - 1);
        right.set(i, rightOf(n, builder.let('quad', quad)));
      },
      { step: threads },
    );
    builder.barrier();
    builder.for('n', 0, SLICE, (n) => {
      const weight = builder.let('weight', left.at(e.add(e.mul(n, ROWS), row)));
      const rightAt = builder.let('right_at', e.add(e.mul(n, columns * each), column));
      const fours = Array.from({ length: each }, (_, j) => builder.let('four', right.at(e.add(rightAt, j * columns))));
      sums.forEach((own, i) => {
        own.forEach((sum, j) => sum.set(e.add(sum.value, e.mul(fours[j]!, e.component(weight, i)))));
      });
    });
    builder.barrier();
  };

  builder.comment('through the states');
  const firstHead = builder.let('first_head', e.mul(group, shape.headsPerGroup));
  builder.for('head', firstHead, e.add(firstHead, shape.headsPerGroup), (head) => {
    builder.for(
      'l',
      local,
      CHUNK,
      (l) => {
        const time = timeOf(l);
        const decay = scratch.logDecay(time, head);
        const weight = ofB
          ? e.mul(e.exp(e.sub(scratch.logDecay(last, head), decay)), scratch.dt(time, head))
          : e.exp(decay);
        weights.set(l, e.select(e.lt(l, tile.count), weight, e.f32(0)));
      },
      { step: threads },
    );
    builder.barrier();
    builder.for(
      'from',
      0,
      width,
      (from) => {
        addSlice(
          (n, firstToken) => {
            const p = builder.let('p', e.add(from, n));
            const inside = width % SLICE === 0 ? p : builder.let('clamped', e.min(p, width - 1));
            const lanes = [0, 1, 2, 3].map((lane) => {
              const l = builder.let('l', e.add(firstToken, lane));
              const time = timeOf(l);
              const value = ofB ? inputs.x(time, head, inside) : inputs.g(time, head, inside);
              return e.mul(value, weights.at(l));
            });
            const four = e.vector('vec4f', ...lanes);
            return width % SLICE === 0 ? four : e.select(e.lt(p, width), four, ZERO4);
          },
          (n, quad) => {
            const p = builder.let('p', e.min(e.add(from, n), width - 1));
            return states.at(chunk, e.add(e.mul(head, width), p), quad);
          },
        );
      },
      { step: SLICE },
    );
  });

  builder.comment('within the chunk');
  builder.for(
    'from',
    0,
    tile.count,
    (from) => {
      addSlice(
        (n, firstToken) => {
          const other = builder.let('other', e.add(from, n));
          if (ofB) {
            const four = pairs.at(timeOf(other), group, e.div(firstToken, 4));
            return e.select(e.lt(other, tile.count), four, ZERO4);
          }
          const otherFour = builder.let('other_four', e.div(other, 4));
          const otherLane = builder.let('other_lane', e.mod(other, 4));
          const lanes = [0, 1, 2, 3].map((lane) => {
            const l = e.add(firstToken, lane);
            const four = builder.let('pair', pairs.at(timeOf(l), group, otherFour));
            const low = e.select(e.eq(otherLane, 0), e.component(four, 0), e.component(four, 1));
            const high = e.select(e.eq(otherLane, 2), e.component(four, 2), e.component(four, 3));
            return e.select(e.lt(otherLane, 2), low, high);
          });
          return e.vector('vec4f', ...lanes);
        },
        (n, quad) => {
          const time = timeOf(e.add(from, n));
          return ofB ? inputs.C(time, group, quad) : inputs.B(time, group, quad);
        },
      );
    },
    { step: SLICE },
  );

  const results = builder.array('results', 'f32', 16 * each);
  sums.forEach((own, i) => {
    own.forEach((sum, j) => {
      for (let lane = 0; lane < 4; lane++) results.set(i * 4 * each + j * 4 + lane, e.component(sum.value, lane));
    });
  });
  builder.for('n', 0, 16 * each, (n) => {
    const l = builder.let('l', e.add(e.mul(row, 4), e.div(n, 4 * each)));
    const j = each === 1 ? e.u32(0) : e.mod(e.div(n, 4), each);
    const own = builder.let('own', e.add(column, e.mul(j, columns)));
    const index = builder.let('state_index', e.add(e.mul(e.add(firstQuad, own), 4), e.mod(n, 4)));
    // The last block may be narrower, and so may a block's last fours.
    const inside = e.and(e.lt(l, tile.count), e.lt(index, state));
    builder.if(quads % columns === 0 && blocks === 1 ? inside : e.and(inside, e.lt(own, columns * each)), () => {
      const [, groupDim, stateDim] = result.type.dims;
      const time = builder.let('time', e.add(tile.first, l));
      scope.outputOf(result.id, { time, [groupDim!.name]: group, [stateDim!.name]: index }, results.at(n));
    });
  });
  const perToken = heads * width;
  return scope.finish({
    name: kernelName(graph, mode, node.id, result.attributes.of),
    doc: `Gradient of ${result.attributes.of}.`,
    label: `${describe(graph, [result.id])}: ${result.attributes.of}`,
    workgroupSize: [threads, 1, 1],
    grid: [groups * blocks, `tiles${CHUNK}`, 1],
    cost: {
      weightElements: 0,
      values: [
        'add',
        ['mul', 'tokens', perToken + groups * (CHUNK + 2 * state)],
        ['mul', `tiles${CHUNK}`, perToken * state],
      ],
      operations: ['mul', 'tokens', 2 * perToken * state + 2 * CHUNK * groups * state],
    },
  });
}
