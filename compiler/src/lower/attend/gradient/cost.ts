import type { KernelCall } from '../../call.js';
import type { LoweringContext } from '../../scope.js';
import { attendShape } from '../shape.js';
import { TILE } from './tile.js';

/** Cost of a pass over pairs of queries and keys with products of `width` in all. */
export function gradientCost(context: LoweringContext<'attend_gradient'>, width: number): KernelCall['cost'] {
  const { graph, node } = context;
  const { window } = node.attributes;
  const { heads, keyWidth, valueWidth } = attendShape(graph, node);
  const length = window === undefined ? 'context' : (['min', 'context', window + TILE] as const);
  return {
    weightElements: 0,
    values: ['mul', `tiles${TILE}`, ['mul', length, heads * (keyWidth + valueWidth)]],
    operations: ['mul', 'tokens', ['mul', length, 2 * heads * width]],
  };
}
