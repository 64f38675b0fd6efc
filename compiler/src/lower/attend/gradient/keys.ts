/**
 * dk = Σ dz q and dv = Σ w g: a tile of keys, over the tiles of queries that see it, for one query head of the group after
 * the other. Both in one kernel where the sums fit into registers.
 */
import * as e from '../../../kernel/expressions.js';
import type { GraphNode } from '../../../graph/graph.js';
import { readSequence } from '../../batch.js';
import type { KernelCall } from '../../call.js';
import { describe, kernelName } from '../../names.js';
import type { LoweringContext } from '../../scope.js';
import { attendShape } from '../shape.js';
import { gradientCost } from './cost.js';
import { inSight, ownTile, queriesOf, rowsOf, sightOfKey, tileFrom } from './places.js';
import { keyRows, queryRows } from './rows.js';
import { probabilities, productGradients, scoresOf, throughClip, weightsOf } from './scores.js';
import { columnBlocks, EACH, elementOf, headAndColumns, THREADS, TILE, Tiles } from './tile.js';

/** Fours of both results together that one kernel's registers hold. */
const TOGETHER = 32;

type Result = GraphNode<'attend_gradient'>;

/** @param results the gradients of keys and values that are wanted */
export function keyValueGradients(
  context: LoweringContext<'attend_gradient'>,
  results: readonly Result[],
): readonly KernelCall[] {
  const quads = results.reduce((n, { type }) => n + Math.ceil((type.dims[2]!.extent as number) / 4), 0);
  return quads <= TOGETHER && results.length > 0
    ? [keyTile(context, results)]
    : results.map((result) => keyTile(context, [result]));
}

function keyTile(context: LoweringContext<'attend_gradient'>, results: readonly Result[]): KernelCall {
  const { graph, node, mode } = context;
  const { attributes } = node;
  const scope = context.scope();
  const { builder } = scope;
  const shape = attendShape(graph, node);
  const tiles = new Tiles(scope);
  const queries = queryRows(scope, node, shape);
  const keys = keyRows(scope, node, shape);
  const needsFlow = results.some((r) => r.attributes.of === 'k');
  const widths = results.map((r) => (r.attributes.of === 'k' ? shape.keyWidth : shape.valueWidth));
  const columns = results.length === 1 ? columnBlocks(Math.ceil(widths[0]! / 4)) : { blocks: 1, quads: 0 };
  const { blocks, quads } = columns;
  const { head: kvHead, firstQuad } = headAndColumns(builder, 'kv_head', columns);
  const own = ownTile(scope);
  const sequence = readSequence(scope, own.sequence);
  const left = rowsOf(keys, own, kvHead);
  const parts = results.map((result, n) => ({
    result,
    width: widths[n]!,
    weights: tiles.weights(`weights_${result.attributes.of}`),
    sum: tiles.sum(`sum_${result.attributes.of}`, firstQuad, results.length === 1 ? quads : Math.ceil(widths[n]! / 4)),
  }));
  const { from, end } = queriesOf(scope, own, sequence.count, attributes.window);
  const sights = Array.from({ length: EACH }, (_, i) =>
    sightOfKey(scope, own, tiles.left(i), sequence.count, attributes.window),
  );
  const firstHead = builder.let('first_head', e.mul(kvHead, shape.group));
  builder.for('head', firstHead, e.add(firstHead, shape.group), (head) => {
    builder.for(
      'query',
      from,
      end,
      (query) => {
        const other = tileFrom(scope, query, end, own.start);
        const right = rowsOf(queries, other, head);
        const products = tiles.products('product', left(keys.key), right(queries.query));
        const flows = needsFlow ? tiles.products('flow', left(keys.value), right(queries.gradient)) : [];
        products.forEach((product, j) => {
          const k = tiles.right(j);
          const row = right(queries.query).row(k);
          const known = builder.let('statistics', queries.statistics(builder.let('statistics_row', row)));
          const [largest, inverse, mean] = [0, 1, 2].map((c) => e.component(known, c)) as [
            typeof known,
            typeof known,
            typeof known,
          ];
          const position = builder.let('query_position', e.add(query, k));
          const seen = sights.map((sight) => inSight(sight, position));
          const scores = scoresOf(builder, product, attributes);
          const p = probabilities(builder, scores.score, { largest, inverse }, seen);
          for (const { result, weights } of parts) {
            if (result.attributes.of === 'v') tiles.setWeight(weights, j, weightsOf(p, attributes));
            else {
              const dp = throughClip(builder, p, flows[j]!, attributes);
              tiles.setWeight(weights, j, productGradients(p, dp, mean, scores, attributes));
            }
          }
        });
        builder.barrier();
        for (const { result, weights, sum } of parts) {
          tiles.accumulate(sum, weights, right(result.attributes.of === 'k' ? queries.query : queries.gradient));
        }
      },
      { step: TILE },
    );
  });
  for (const { result, width, sum } of parts) {
    tiles.store(sum, width, own.count, (index, column, value) => {
      const time = builder.let('time', e.sum(own.start, own.position, index));
      scope.outputOf(result.id, elementOf(result.type, time, kvHead, column), value);
    });
  }
  const names = results.map((r) => (r.attributes.of === 'k' ? 'keys' : 'values'));
  return scope.finish({
    name: kernelName(graph, mode, node.id, names.join('_')),
    doc: `Gradient of the ${names.join(' and ')}, by tiles of ${TILE} keys and ${TILE} queries.`,
    label: `${describe(graph, [results[0]!.id])}: ${names.join(' and ')}`,
    workgroupSize: [THREADS, 1, 1],
    grid: [shape.kvHeads * blocks, `tiles${TILE}`, 1],
    cost: gradientCost(
      context,
      blocks * (shape.keyWidth + (needsFlow ? shape.valueWidth : 0)) + widths.reduce((a, b) => a + b, 0),
    ),
  });
}
