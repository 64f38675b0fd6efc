/** Element-wise ops as kernel expressions, f32. Rows of a table: the op's name, its expression. */
import type { BinaryName, UnaryName } from '../ops/attributes.js';
import type { Dtype } from '../graph/types.js';
import * as e from '../kernel/expressions.js';
import type { Expression } from '../kernel/ir.js';

/** Booleans are f32 0 and 1 between kernels and inside fused expressions. */
const truth = (condition: Expression): Expression => e.select(condition, e.f32(1), e.f32(0));
export const isTrue = (value: Expression): Expression => e.ne(value, 0);

export const UNARY_EXPRESSIONS: Readonly<Record<UnaryName, (x: Expression) => Expression>> = {
  neg: e.neg,
  abs: (x) => e.call('abs', x),
  exp: e.exp,
  log: (x) => e.call('log', x),
  sqrt: (x) => e.call('sqrt', x),
  rsqrt: (x) => e.call('rsqrt', x),
  sin: (x) => e.call('sin', x),
  cos: (x) => e.call('cos', x),
  tanh: (x) => e.call('safe_tanh', x),
  erf: (x) => e.call('erf', x),
  floor: (x) => e.call('floor', x),
  sigmoid: (x) => e.call('sigmoid', x),
  softplus: (x) => e.call('softplus', x),
  silu: (x) => e.call('silu', x),
  relu: (x) => e.max(x, 0),
  gelu: (x) => e.call('gelu', x),
  gelu_tanh: (x) => e.call('gelu_tanh', x),
  not: (x) => truth(e.eq(x, 0)),
};

export const BINARY_EXPRESSIONS: Readonly<Record<BinaryName, (a: Expression, b: Expression) => Expression>> = {
  add: e.add,
  sub: e.sub,
  mul: e.mul,
  div: e.div,
  pow: (a, b) => e.call('pow', a, b),
  max: e.max,
  min: e.min,
  less: (a, b) => truth(e.lt(a, b)),
  less_equal: (a, b) => truth(e.le(a, b)),
  equal: (a, b) => truth(e.eq(a, b)),
  and: (a, b) => truth(e.and(isTrue(a), isTrue(b))),
  or: (a, b) => truth(e.or(isTrue(a), isTrue(b))),
};

/** Rounds to a format and stays f32. */
export function castExpression(to: Dtype, x: Expression): Expression {
  switch (to) {
    case 'f32':
      return x;
    case 'bf16':
      return e.call('round_bf16', x);
    case 'f16':
      return e.call('round_f16', x);
    case 'e4m3':
      return e.call('round_e4m3', x);
    case 'e5m2':
      return e.call('round_e5m2', x);
    case 'bool':
      return truth(isTrue(x));
    case 'u32':
      return e.call('floor', x);
  }
}
