/** dq = scale Σ dz k: a tile of queries of one head, over the tiles of keys that it sees. */
import * as e from '../../../kernel/expressions.js';
import type { GraphNode } from '../../../graph/graph.js';
import type { KernelCall } from '../../call.js';
import { describe, kernelName } from '../../names.js';
import type { LoweringContext } from '../../scope.js';
import { attendShape } from '../shape.js';
import { gradientCost } from './cost.js';
import { inSight, keysOf, ownTile, rowsOf, sightOfQuery, tileFrom } from './places.js';
import { keyRows, queryRows } from './rows.js';
import { probabilities, productGradients, scoresOf, throughClip } from './scores.js';
import { statisticsOfRows } from './statistics.js';
import { columnBlocks, EACH, elementOf, headAndColumns, THREADS, TILE, Tiles } from './tile.js';

export function queryGradients(
  context: LoweringContext<'attend_gradient'>,
  result: GraphNode<'attend_gradient'>,
): KernelCall {
  const { graph, node, mode } = context;
  const { attributes } = node;
  const scope = context.scope();
  const { builder } = scope;
  const shape = attendShape(graph, node);
  const tiles = new Tiles(scope);
  const queries = queryRows(scope, node, shape);
  const keys = keyRows(scope, node, shape);
  const columns = columnBlocks(keys.key.quads);
  const { blocks, quads } = columns;
  const { head, firstQuad } = headAndColumns(builder, 'head', columns);
  const own = ownTile(scope);
  const left = rowsOf(queries, own, head);
  const known = statisticsOfRows(tiles, (i) => queries.statistics(left(queries.query).row(i)));
  const weights = tiles.weights('weights');
  const sum = tiles.sum('sum', firstQuad, quads);
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
      const flows = tiles.products('flow', left(queries.gradient), right(keys.value));
      products.forEach((product, j) => {
        const position = builder.let('key_position', e.add(key, tiles.right(j)));
        const seen = sights.map((sight) => inSight(sight, position));
        const scores = scoresOf(builder, product, attributes);
        const p = probabilities(builder, scores.score, known, seen);
        const dp = throughClip(builder, p, flows[j]!, attributes);
        tiles.setWeight(weights, j, productGradients(p, dp, known.mean, scores, attributes));
      });
      builder.barrier();
      tiles.accumulate(sum, weights, right(keys.key));
    },
    { step: TILE },
  );
  tiles.store(sum, shape.keyWidth, own.count, (index, column, value) => {
    const time = builder.let('time', e.sum(own.start, own.position, index));
    scope.outputOf(result.id, elementOf(result.type, time, head, column), e.mul(value, attributes.scale));
  });
  return scope.finish({
    name: kernelName(graph, mode, result.id, 'queries'),
    doc: `Gradient of the queries, by tiles of ${TILE} queries and ${TILE} keys.`,
    label: `${describe(graph, [result.id])}: queries`,
    workgroupSize: [THREADS, 1, 1],
    grid: [shape.heads * blocks, `tiles${TILE}`, 1],
    cost: gradientCost(context, blocks * (shape.keyWidth + shape.valueWidth) + shape.keyWidth),
  });
}
