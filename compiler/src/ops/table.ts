/** Every op by name. Typed by `OpAttributes`, so that an op without a definition does not compile. */
import { attend } from './attend.js';
import type { OpName } from './attributes.js';
import { attend_gradient } from './backward/attend.js';
import { attend_probe } from './backward/attend-probe.js';
import { conv1d_input_gradient, conv1d_weight_gradient } from './backward/conv1d.js';
import { embed_gradient } from './backward/embed.js';
import { linear_input_gradient, linear_weight_gradient } from './backward/linear.js';
import { cross_entropy_gradient, kept } from './backward/leaf.js';
import { matrix_input_gradient, matrix_weight_gradient, stack } from './backward/matrix.js';
import { scan_gradient } from './backward/scan.js';
import { spectral_norm_gradient } from './backward/spectral-norm.js';
import { ssd_gradient } from './backward/ssd.js';
import { BODY_OPS } from './body-table.js';
import { conv1d } from './conv1d.js';
import { embed } from './embed.js';
import { input, parameter, position } from './leaf.js';
import { linear } from './linear.js';
import type { OpDefinition } from './op.js';
import { rope } from './rope.js';
import { scan } from './scan.js';
import { spectral_norm } from './spectral-norm.js';
import { ssd } from './ssd.js';
import { concat } from './view/concat.js';
import { pad } from './view/pad.js';
import { slice } from './view/slice.js';

export type OpTable = { readonly [N in OpName]: OpDefinition<N> };

export const OPS: OpTable = {
  parameter,
  input,
  position,
  ...BODY_OPS,
  slice,
  pad,
  concat,
  linear,
  conv1d,
  ssd,
  rope,
  attend,
  scan,
  embed,
  spectral_norm,
  linear_input_gradient,
  linear_weight_gradient,
  conv1d_input_gradient,
  conv1d_weight_gradient,
  ssd_gradient,
  attend_gradient,
  scan_gradient,
  embed_gradient,
  spectral_norm_gradient,
  kept,
  stack,
  matrix_input_gradient,
  matrix_weight_gradient,
  cross_entropy_gradient,
  attend_probe,
};

/**
 * The definition of an op whose name is not known statically. Its functions take that op's attributes, which the types
 * cannot follow here: pass those of a node of this op.
 */
export function opDefinition(name: OpName): OpDefinition<OpName> {
  return OPS[name] as unknown as OpDefinition<OpName>;
}
