import { withinBufferLimit } from '../../pack.js';
import type { Lowering } from '../../scope.js';
import { gradientResult } from './results.js';
import { keepCheckpoints, walkBack } from './walks.js';

/** The gradients of a recurrence that a block declares: its adjoint, walked from the last token to the first. */
export const lowerScanGradient: Lowering<'scan_gradient'> = withinBufferLimit((context) => [
  keepCheckpoints(context),
  walkBack(context),
  ...context.nodes.map((result) => gradientResult(context, result)),
]);
