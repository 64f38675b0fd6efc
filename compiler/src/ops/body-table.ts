/** The ops that may occur in the body of a `scan`: those that compute one token from one token. */
import type { BinaryName, OpName, ReductionName, UnaryName } from './attributes.js';
import { constant } from './leaf.js';
import type { OpDefinition } from './op.js';
import { cast } from './pointwise/cast.js';
import { BINARY_OPS, UNARY_OPS } from './pointwise/table.js';
import { where } from './pointwise/where.js';
import { REDUCE_OPS } from './reduce/table.js';
import { broadcast } from './view/broadcast.js';
import { rename } from './view/rename.js';
import { reshape } from './view/reshape.js';
import { transpose } from './view/transpose.js';

export type BodyOpName =
  | UnaryName
  | BinaryName
  | ReductionName
  | 'constant'
  | 'cast'
  | 'where'
  | 'reshape'
  | 'rename'
  | 'transpose'
  | 'broadcast';

export const BODY_OPS: { readonly [N in BodyOpName]: OpDefinition<N> } = {
  ...UNARY_OPS,
  ...BINARY_OPS,
  ...REDUCE_OPS,
  constant,
  cast,
  where,
  reshape,
  rename,
  transpose,
  broadcast,
};

export function isBodyOp(name: OpName | 'scan_state' | 'scan_input'): name is BodyOpName {
  return Object.hasOwn(BODY_OPS, name);
}
