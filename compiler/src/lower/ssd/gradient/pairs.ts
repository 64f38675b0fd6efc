/**
 * Pairs of tokens of a chunk, for each group: E_ls = exp(α_l - α_s) dt_s ⟨g_l, x_s⟩ of each head after the other. Their sum over
 * heads is the gradient of C_l · B_s; with M_ls = (C_l · B_s) E_ls, the decay at token j gets Σ_{l ≥ j, s < j} M_ls. That is a sum
 * over a rectangle below the diagonal, taken without subtracting: whole blocks of 4 × 4, and the blocks at its borders.
 *
 * 16 × 16 invocations of 4 × 4 pairs.
 */
import * as e from '../../../kernel/expressions.js';
import type { Expression } from '../../../kernel/ir.js';
import { readTile } from '../../batch.js';
import type { KernelCall } from '../../call.js';
import { describe, kernelName } from '../../names.js';
import { quadOfSlice, quadsOf, ZERO4 } from '../../quads.js';
import type { LoweringContext } from '../../scope.js';
import { CHUNK, SsdInputs, ssdShape, TokenScratch } from '../shape.js';
import { Pairs, Terms } from './scratch.js';

const SIDE = 16;
const EACH = CHUNK / SIDE;
const THREADS = SIDE * SIDE;

export function pairGradients(context: LoweringContext<'ssd_gradient'>): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = ssdShape(graph, node);
  const inputs = new SsdInputs(scope, shape);
  const scratch = new TokenScratch(scope, node, shape, 'read');
  const terms = new Terms(scope, node, shape, 'read_write');
  const pairs = new Pairs(scope, node, shape, 'read_write');
  const quads = quadsOf(shape.width);
  const slice = Math.min(4, quads);
  const local = e.builtin('local_index');
  const group = e.builtin('workgroup_x');
  const tile = readTile(scope, CHUNK, e.builtin('workgroup_y'));
  const last = builder.let('last', e.sub(e.add(tile.first, tile.count), 1));
  const left = builder.shared('left', 'vec4f', slice * CHUNK > THREADS ? slice * CHUNK : THREADS);
  const right = builder.shared('right', 'vec4f', slice * CHUNK > THREADS ? slice * CHUNK : THREADS);
  const decays = builder.shared('decays', 'f32', CHUNK);
  const steps = builder.shared('steps', 'f32', CHUNK);
  const column = builder.let('column', e.mod(local, SIDE));
  const row = builder.let('row', e.div(local, SIDE));
  const firstS = builder.let('first_s', e.mul(column, EACH));
  const rows = Array.from({ length: EACH }, (_, i) => {
    const l = builder.let('l', e.add(e.mul(row, EACH), i));
    // Pairs with s below the limit count: none of rows past the chunk's end.
    const limit = builder.let('limit', e.select(e.lt(l, tile.count), e.add(l, 1), e.u32(0)));
    return { l, limit, time: builder.let('time', e.min(e.add(tile.first, l), last)) };
  });
  const masked = (limit: Expression, lanes: readonly Expression[]): Expression =>
    e.vector('vec4f', ...lanes.map((lane, j) => e.select(e.lt(e.add(firstS, j), limit), lane, e.f32(0))));
  const products = rows.map(({ l, limit, time }) => {
    const known = builder.let('known', e.min(l, e.sub(tile.count, 1)));
    const lanes = [0, 1, 2, 3].map((j) => scratch.product(time, group, e.min(e.add(firstS, j), known)));
    return builder.let('product', masked(limit, lanes));
  });
  const total = rows.map(() => builder.variable('total', 'vec4f', ZERO4));

  const firstHead = builder.let('first_head', e.mul(group, shape.headsPerGroup));
  builder.for('head', firstHead, e.add(firstHead, shape.headsPerGroup), (head) => {
    builder.if(e.lt(local, CHUNK), () => {
      const time = builder.let('time', e.min(e.add(tile.first, local), last));
      decays.set(local, scratch.logDecay(time, head));
      steps.set(local, scratch.dt(time, head));
    });
    const sums = rows.map(() => builder.variable('sum', 'vec4f', ZERO4));
    builder.for(
      'from',
      0,
      quads,
      (from) => {
        builder.for(
          'i',
          local,
          slice * CHUNK,
          (i) => {
            const l = builder.let('l', e.mod(i, CHUNK));
            const time = builder.let('time', e.min(e.add(tile.first, l), last));
            const { inside, orZero } = quadOfSlice(builder, quads, slice, e.add(from, e.div(i, CHUNK)));
            left.set(i, orZero(inputs.gQuad(time, head, inside)));
            // Column 4 c + j lies at 16 j + c: neighbours in memory are neighbours among the invocations.
            const at = e.add(e.mul(e.mod(l, EACH), SIDE), e.div(l, EACH));
            right.set(e.add(e.sub(i, l), at), inputs.xQuad(time, head, inside));
          },
          { step: THREADS },
        );
        builder.barrier();
        builder.for('s', 0, slice, (s) => {
          const leftAt = builder.let('left_at', e.add(e.mul(s, CHUNK), e.mul(row, EACH)));
          const rightAt = builder.let('right_at', e.add(e.mul(s, CHUNK), column));
          const x = [0, 1, 2, 3].map((j) => builder.let('x', right.at(e.add(rightAt, j * SIDE))));
          sums.forEach((sum, i) => {
            const g = builder.let('g', left.at(e.add(leftAt, i)));
            sum.set(e.add(sum.value, e.vector('vec4f', ...x.map((other) => e.dot(g, other)))));
          });
        });
        builder.barrier();
      },
      { step: slice },
    );
    const fourOf = (array: typeof decays): Expression =>
      e.vector('vec4f', ...[0, 1, 2, 3].map((j) => array.at(e.add(firstS, j))));
    const [decayOf, stepOf] = [builder.let('decay_s', fourOf(decays)), builder.let('step_s', fourOf(steps))];
    const through = rows.map(({ l, limit }, i) => {
      // What is masked may decay backwards: never above one.
      const decay = e.exp(e.min(e.sub(e.vector('vec4f', decays.at(l)), decayOf), 0));
      const weighted = builder.let('weighted', e.product(sums[i]!.value, decay, stepOf));
      const pair = builder.let('pair', masked(limit, lanesOf(weighted)));
      total[i]!.set(e.add(total[i]!.value, pair));
      return builder.let('through', e.mul(pair, products[i]!));
    });
    storeInside(through, head);
  });
  rows.forEach(({ l, time }, i) => {
    builder.if(e.lt(l, tile.count), () => pairs.set(time, group, column, total[i]!.value));
  });

  /**
   * The sums over rectangles, by blocks: [row block, column block], from the k-th row on, and up to before the k-th column;
   * on the diagonal both at once.
   */
  function storeInside(through: readonly Expression[], head: Expression): void {
    builder.comment('through the decay at each token');
    const before = through.map((m) => {
      const [a, b, c, d] = lanesOf(m) as [Expression, Expression, Expression, Expression];
      const two = builder.let('two', e.add(a, b));
      const three = builder.let('three', e.add(two, c));
      return { columns: [e.f32(0), a, two, three], all: builder.let('all', e.add(three, d)) };
    });
    const sumOf = (values: readonly Expression[]): Expression => values.reduce((a, b) => e.add(a, b));
    const fromRow = [0, 1, 2, 3].map((k) => sumOf(before.slice(k).map((r) => r.all)));
    const corner = [0, 1, 2, 3].map((k) => sumOf(before.slice(k).map((r) => r.columns[k]!)));
    const upTo = [0, 1, 2, 3].map((k) => sumOf(before.map((r) => r.columns[k]!)));
    const lanes = (values: readonly Expression[]): Expression => e.vector('vec4f', ...values);
    left.set(local, e.select(e.eq(row, column), lanes(corner), lanes(fromRow)));
    right.set(local, lanes(upTo));
    builder.barrier();
    builder.if(e.lt(local, SIDE), () => {
      const inside = builder.variable('inside', 'vec4f', left.at(e.mul(local, SIDE + 1)));
      builder.for('c', 0, local, (c) => {
        inside.set(e.add(inside.value, left.at(e.add(e.mul(local, SIDE), c))));
      });
      builder.for('r', e.add(local, 1), SIDE, (r) => {
        const rowAt = builder.let('row_at', e.mul(r, SIDE));
        const whole = builder.variable('whole', 'f32', e.f32(0));
        builder.for('c', 0, local, (c) => {
          whole.set(e.add(whole.value, e.component(left.at(e.add(rowAt, c)), 0)));
        });
        inside.set(e.add(inside.value, e.add(right.at(e.add(rowAt, local)), e.vector('vec4f', whole.value))));
      });
      for (let k = 0; k < EACH; k++) {
        const l = builder.let('l', e.add(e.mul(local, EACH), k));
        builder.if(e.lt(l, tile.count), () => {
          terms.set('inside', e.add(tile.first, l), head, 0, e.component(inside.value, k));
        });
      }
    });
    builder.barrier();
  }

  const { groups, heads, width } = shape;
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'pairs'),
    doc: `Gradients of C times B within chunks of ${CHUNK} tokens, and of the decays between them.`,
    label: `${describe(graph, [node.id])}: pairs`,
    workgroupSize: [THREADS, 1, 1],
    grid: [groups, `tiles${CHUNK}`, 1],
    cost: {
      weightElements: 0,
      values: ['mul', 'tokens', 2 * heads * width + 2 * groups * CHUNK],
      operations: ['mul', 'tokens', 2 * CHUNK * heads * width],
    },
  });
}

function lanesOf(four: Expression): readonly Expression[] {
  return [0, 1, 2, 3].map((lane) => e.component(four, lane));
}
