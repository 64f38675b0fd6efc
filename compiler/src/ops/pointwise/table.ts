/** All element-wise ops of one and two operands, by name. */
import type { BinaryName, UnaryName } from '../attributes.js';
import { abs } from './abs.js';
import { add } from './add.js';
import { and } from './and.js';
import { cos } from './cos.js';
import { div } from './div.js';
import { equal } from './equal.js';
import { erf } from './erf.js';
import { exp } from './exp.js';
import { floor } from './floor.js';
import { gelu } from './gelu.js';
import { geluTanh } from './gelu-tanh.js';
import { less } from './less.js';
import { lessEqual } from './less-equal.js';
import { log } from './log.js';
import { max } from './max.js';
import { min } from './min.js';
import { mul } from './mul.js';
import { neg } from './neg.js';
import { not } from './not.js';
import { or } from './or.js';
import { pow } from './pow.js';
import { relu } from './relu.js';
import { rsqrt } from './rsqrt.js';
import { sigmoid } from './sigmoid.js';
import { silu } from './silu.js';
import { sin } from './sin.js';
import { softplus } from './softplus.js';
import { sqrt } from './sqrt.js';
import { sub } from './sub.js';
import { tanh } from './tanh.js';
import type { BinaryDefinition, UnaryDefinition } from './pointwise.js';

export const UNARY_OPS: { readonly [N in UnaryName]: UnaryDefinition<N> } = {
  neg,
  abs,
  exp,
  log,
  sqrt,
  rsqrt,
  sin,
  cos,
  tanh,
  erf,
  floor,
  sigmoid,
  softplus,
  silu,
  relu,
  gelu,
  gelu_tanh: geluTanh,
  not,
};

export const BINARY_OPS: { readonly [N in BinaryName]: BinaryDefinition<N> } = {
  add,
  sub,
  mul,
  div,
  pow,
  max,
  min,
  less,
  less_equal: lessEqual,
  equal,
  and,
  or,
};
