import type { KernelCall } from '../../call.js';
import type { LoweringContext } from '../../scope.js';
import { keyValueGradients } from './keys.js';
import { queryGradients } from './queries.js';
import { prepareRows } from './rows.js';
import { statistics } from './statistics.js';

/**
 * Attention's gradients by tiles, never tokens × tokens (Dao 2023, without atomics): the softmax's statistics of each query,
 * then the gradient of queries by tiles of queries, and those of keys and values by tiles of keys. Scores are computed again
 * in each; sums are in a fixed order.
 */
export function lowerAttendGradient(context: LoweringContext<'attend_gradient'>): readonly KernelCall[] {
  const of = (name: 'q' | 'k' | 'v') => context.nodes.filter((n) => n.attributes.of === name);
  return [
    ...prepareRows(context),
    ...statistics(context),
    ...of('q').map((node) => queryGradients(context, node)),
    ...keyValueGradients(context, [...of('k'), ...of('v')]),
  ];
}
