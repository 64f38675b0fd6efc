/**
 * The softmax's statistics of every query, by a pass over the keys of its own, so that the forward pass keeps nothing: each
 * invocation runs an online softmax over its part of the keys, and the parts are merged at the end. Clipped probabilities
 * need the softmax's denominator before Σ p dp: a second pass.
 */
import * as e from '../../../kernel/expressions.js';
import type { Expression } from '../../../kernel/ir.js';
import type { KernelCall } from '../../call.js';
import { describe, kernelName } from '../../names.js';
import { ZERO4 } from '../../quads.js';
import type { LoweringContext } from '../../scope.js';
import { attendShape, MASKED } from '../shape.js';
import { gradientCost } from './cost.js';
import { inSight, keysOf, ownTile, rowsOf, sightOfQuery, tileFrom } from './places.js';
import { keyRows, queryRows } from './rows.js';
import { masked, maskedScores, probabilities, scoresOf, throughClip } from './scores.js';
import { EACH, SIDE, THREADS, TILE, Tiles } from './tile.js';

export function statistics(context: LoweringContext<'attend_gradient'>): readonly KernelCall[] {
  return context.node.attributes.clip === undefined
    ? [pass(context, 'both')]
    : [pass(context, 'softmax'), pass(context, 'means')];
}

/** What a pass finds: largest score and sum; Σ p dp; or all in one. */
type Pass = 'both' | 'softmax' | 'means';

function pass(context: LoweringContext<'attend_gradient'>, kind: Pass): KernelCall {
  const { graph, node, mode } = context;
  const { attributes } = node;
  const scope = context.scope();
  const { builder } = scope;
  const shape = attendShape(graph, node);
  const tiles = new Tiles(scope);
  const queries = queryRows(scope, node, shape, 'read_write');
  const keys = keyRows(scope, node, shape);
  const head = e.builtin('workgroup_x');
  const own = ownTile(scope);
  const left = rowsOf(queries, own, head);
  const variable = (hint: string, initial: Expression) => builder.variable(hint, 'vec4f', initial);
  const largest = variable('largest', e.vector('vec4f', MASKED));
  const sum = variable('sum', ZERO4);
  const mean = variable('mean', ZERO4);
  const known =
    kind === 'means' ? statisticsOfRows(tiles, (i) => queries.statistics(left(queries.query).row(i))) : undefined;
  const sights = Array.from({ length: EACH }, (_, i) => sightOfQuery(scope, own, tiles.left(i), attributes.window));
  const { from, end } = keysOf(scope, own, attributes.window);
  builder.for(
    'key',
    from,
    end,
    (key) => {
      const other = tileFrom(scope, key, end, own.start);
      const right = rowsOf(keys, other, builder.let('kv_head', e.div(head, shape.group)));
      const products = tiles.products('product', left(queries.query), right(keys.key));
      const flows = kind === 'softmax' ? [] : tiles.products('flow', left(queries.gradient), right(keys.value));
      const seen = products.map((_, j) =>
        sights.map((sight) => builder.let('seen', inSight(sight, e.add(key, tiles.right(j))))),
      );
      const scores = products.map((product) => scoresOf(builder, product, attributes).score);
      if (known) {
        scores.forEach((score, j) => {
          const p = probabilities(builder, score, known, seen[j]!);
          mean.set(e.add(mean.value, e.mul(p, throughClip(builder, p, flows[j]!, attributes))));
        });
        return;
      }
      const visible = scores.map((score, j) => builder.let('visible', maskedScores(score, seen[j]!)));
      const next = builder.let(
        'next',
        visible.reduce((a, b) => e.max(a, b), largest.value),
      );
      const shrink = builder.let('shrink', e.exp(e.sub(largest.value, next)));
      largest.set(next);
      sum.set(e.mul(sum.value, shrink));
      if (kind === 'both') mean.set(e.mul(mean.value, shrink));
      visible.forEach((score, j) => {
        const exponential = builder.let('exponential', e.exp(e.sub(score, next)));
        const weight = builder.let('weight', masked(exponential, seen[j]!, 0));
        sum.set(e.add(sum.value, weight));
        if (kind === 'both') mean.set(e.add(mean.value, e.mul(weight, flows[j]!)));
      });
    },
    { step: TILE },
  );

  builder.comment('the parts of each row, one for each column of invocations');
  const parts = (hint: string, value: Expression) => {
    const array = builder.shared(hint, 'vec4f', THREADS);
    array.set(e.add(e.mul(tiles.column, SIDE), tiles.rowBlock), value);
    return Array.from({ length: SIDE }, (_, c) => array.at(e.add(tiles.local, c * SIDE)));
  };
  const means = kind === 'softmax' ? undefined : parts('means', mean.value);
  const sums = known ? undefined : parts('sums', sum.value);
  const maxima = known ? undefined : parts('maxima', largest.value);
  // A row's statistics are read by all of its invocations before one of them adds the mean.
  builder.barrier(known ? { storage: true } : {});
  builder.if(e.lt(tiles.local, SIDE), () => {
    const add = (terms: readonly Expression[]): Expression => terms.reduce((a, b) => e.add(a, b));
    let results: readonly (Expression | undefined)[];
    if (maxima && sums) {
      const top = builder.let(
        'top',
        maxima.reduce((a, b) => e.max(a, b)),
      );
      const factors = maxima.map((m) => builder.let('factor', e.exp(e.sub(m, top))));
      const total = builder.let('total', add(sums.map((s, c) => e.mul(s, factors[c]!))));
      // Rows past the tile's end see nothing; they are not stored.
      const inverse = builder.let('inverse', e.div(e.vector('vec4f', 1), e.max(total, 1e-30)));
      const merged = means && builder.let('merged', e.mul(add(means.map((m, c) => e.mul(m, factors[c]!))), inverse));
      results = [top, inverse, merged];
    } else results = [undefined, undefined, builder.let('merged', add(means!))];
    for (let i = 0; i < EACH; i++) {
      const index = builder.let('index', e.add(e.mul(tiles.local, EACH), i));
      builder.if(e.lt(index, own.count), () => {
        const row = builder.let('row', left(queries.query).row(index));
        if (known) queries.setStatistic(row, 2, e.component(results[2]!, i));
        else {
          const values = results.map((r) => (r ? e.component(r, i) : e.f32(0)));
          queries.setStatistics(row, e.vector('vec4f', ...values, 0));
        }
      });
    }
  });
  return scope.finish({
    name: kernelName(graph, mode, node.id, kind === 'means' ? 'means' : 'statistics'),
    doc:
      kind === 'means'
        ? 'Mean of the gradients of the clipped probabilities of each query.'
        : `Largest score and sum of each query's softmax${kind === 'both' ? ', and the mean of its gradients' : ''}.`,
    label: `${describe(graph, [node.id])}: ${kind === 'means' ? 'means' : 'statistics'}`,
    workgroupSize: [THREADS, 1, 1],
    grid: [shape.heads, `tiles${TILE}`, 1],
    cost: gradientCost(context, kind === 'softmax' ? shape.keyWidth : shape.keyWidth + shape.valueWidth),
  });
}

/** Statistics of the invocation's rows of the left tile, as fours. */
export function statisticsOfRows(tiles: Tiles, read: (index: Expression) => Expression) {
  const { builder } = tiles.scope;
  const rows = Array.from({ length: EACH }, (_, i) => builder.let('statistics', read(tiles.left(i))));
  const four = (hint: string, c: number): Expression =>
    builder.let(hint, e.vector('vec4f', ...rows.map((row) => e.component(row, c))));
  return { largest: four('largest', 0), inverse: four('inverse', 1), mean: four('mean', 2) };
}
