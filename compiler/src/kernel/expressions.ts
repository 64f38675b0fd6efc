/**
 * Makers of kernel expressions: they infer types, convert plain numbers, and fold what is constant (`x + 0`, `x * 1`,
 * integer arithmetic on literals), so that generators can be written without special cases.
 */
import type {
  BinaryOperator,
  Builtin,
  Expression,
  Intrinsic,
  ScalarType,
  SubgroupOperation,
  ValueType,
  VectorType,
} from './ir.js';

/** A number stands for a literal of the other operand's type. */
export type Operand = Expression | number;

export const u32 = (value: number): Expression => ({ kind: 'literal', type: 'u32', value });
export const i32 = (value: number): Expression => ({ kind: 'literal', type: 'i32', value });
export const f32 = (value: number): Expression => ({ kind: 'literal', type: 'f32', value });
export const bool = (value: boolean): Expression => ({ kind: 'literal', type: 'bool', value: value ? 1 : 0 });
export const builtin = (name: Builtin): Expression => ({ kind: 'builtin', type: 'u32', name });

const SCALAR_OF: Readonly<Record<VectorType, ScalarType>> = {
  vec2f: 'f32',
  vec4f: 'f32',
  vec2u: 'u32',
  vec4u: 'u32',
  vec2i: 'i32',
  vec4i: 'i32',
  vec2h: 'f16',
  vec4h: 'f16',
};
export function isVector(type: ValueType): type is VectorType {
  return type in SCALAR_OF;
}
export function scalarOf(type: ValueType): ScalarType {
  return isVector(type) ? SCALAR_OF[type] : type;
}
export function lanesOf(type: ValueType): 1 | 2 | 4 {
  return isVector(type) ? (type.startsWith('vec2') ? 2 : 4) : 1;
}

function lift(value: Operand, like: ValueType): Expression {
  if (typeof value !== 'number') return value;
  const scalar: Expression = { kind: 'literal', type: scalarOf(like), value };
  return isVector(like) ? { kind: 'vector', type: like, components: [scalar] } : scalar;
}

function pair(a: Operand, b: Operand): [Expression, Expression] {
  if (typeof a === 'number' && typeof b === 'number') throw new Error('an operation on two plain numbers has no type');
  const like = (typeof a === 'number' ? (b as Expression) : a).type;
  return [lift(a, like), lift(b, like)];
}

export function isLiteral(e: Expression, value?: number): e is Expression & { kind: 'literal' } {
  return e.kind === 'literal' && (value === undefined || e.value === value);
}

function binary(operator: BinaryOperator, type: ValueType, left: Expression, right: Expression): Expression {
  return { kind: 'binary', type, operator, left, right };
}

/** vector op scalar and scalar op vector give the vector's type; a number beside a vector stays a scalar. */
function arithmetic(operator: '+' | '-' | '*' | '/' | '%', a: Operand, b: Operand): Expression {
  const [left, right] = scalarPair(a, b);
  const type = isVector(left.type) ? left.type : right.type;
  if (isLiteral(right, 0) && (operator === '+' || operator === '-') && left.type === type) return left;
  if (isLiteral(left, 0) && operator === '+' && right.type === type) return right;
  if (isLiteral(right, 1) && (operator === '*' || operator === '/') && left.type === type) return left;
  if (isLiteral(left, 1) && operator === '*' && right.type === type) return right;
  if (type === 'u32' || type === 'i32') {
    if (isLiteral(left) && isLiteral(right)) {
      const folded = foldInteger(operator, left.value, right.value);
      if (folded !== undefined && fits(folded, type)) return { kind: 'literal', type, value: folded };
    }
    const zero: Expression = { kind: 'literal', type, value: 0 };
    if (operator === '*' && (isLiteral(left, 0) || isLiteral(right, 0))) return zero;
    if (operator === '%' && isLiteral(right, 1)) return zero;
    if ((operator === '/' || operator === '%') && isLiteral(left, 0) && !isLiteral(right, 0)) return zero;
  }
  return binary(operator, type, left, right);
}

function scalarPair(a: Operand, b: Operand): [Expression, Expression] {
  if (typeof a !== 'number' && typeof b !== 'number') return [a, b];
  const like = typeof a === 'number' ? b : a;
  if (typeof like === 'number') throw new Error('an operation on two plain numbers has no type');
  const type = scalarOf(like.type);
  return [lift(a, type), lift(b, type)];
}

/** undefined: not exact in a double, or a division by zero. */
function foldInteger(operator: '+' | '-' | '*' | '/' | '%', a: number, b: number): number | undefined {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b === 0 ? undefined : Math.trunc(a / b);
    case '%':
      return b === 0 ? undefined : a % b;
  }
}

function fits(value: number, type: 'u32' | 'i32'): boolean {
  return type === 'u32' ? value >= 0 && value <= 0xffffffff : value >= -0x80000000 && value <= 0x7fffffff;
}

export const add = (a: Operand, b: Operand): Expression => arithmetic('+', a, b);
export const sub = (a: Operand, b: Operand): Expression => arithmetic('-', a, b);
export const mul = (a: Operand, b: Operand): Expression => arithmetic('*', a, b);
export const div = (a: Operand, b: Operand): Expression => arithmetic('/', a, b);
export const mod = (a: Operand, b: Operand): Expression => arithmetic('%', a, b);

/** Sum or product of several. */
export const sum = (first: Operand, ...rest: Operand[]): Expression =>
  rest.reduce<Expression>((a, b) => add(a, b), first as Expression);
export const product = (first: Operand, ...rest: Operand[]): Expression =>
  rest.reduce<Expression>((a, b) => mul(a, b), first as Expression);

function comparison(operator: BinaryOperator) {
  return (a: Operand, b: Operand): Expression => {
    const [left, right] = pair(a, b);
    return binary(operator, 'bool', left, right);
  };
}
export const lt = comparison('<');
export const le = comparison('<=');
export const gt = comparison('>');
export const ge = comparison('>=');
export const eq = comparison('==');
export const ne = comparison('!=');
export const and = (a: Expression, b: Expression): Expression =>
  isLiteral(a, 1) ? b : isLiteral(b, 1) ? a : binary('&&', 'bool', a, b);
export const or = (a: Expression, b: Expression): Expression => binary('||', 'bool', a, b);
function bits(operator: '&' | '|' | '^' | '<<' | '>>') {
  return (a: Expression, b: Operand): Expression => binary(operator, a.type, a, lift(b, operandType(operator, a.type)));
}
/** Shifts are by u32, component-wise. */
function operandType(operator: string, type: ValueType): ValueType {
  if (operator !== '<<' && operator !== '>>') return type;
  return isVector(type) ? (lanesOf(type) === 2 ? 'vec2u' : 'vec4u') : 'u32';
}
export const bitAnd = bits('&');
export const bitOr = bits('|');
export const bitXor = bits('^');
export const shiftLeft = bits('<<');
export const shiftRight = bits('>>');

export const neg = (operand: Expression): Expression => ({ kind: 'unary', type: operand.type, operator: '-', operand });
export const not = (operand: Expression): Expression => ({ kind: 'unary', type: 'bool', operator: '!', operand });

const RESULT: Partial<Record<Intrinsic, (args: readonly Expression[]) => ValueType>> = {
  dot: (args) => scalarOf(args[0]!.type),
  pack2x16float: () => 'u32',
  unpack2x16float: () => 'vec2f',
};

export function call(fn: Intrinsic, first: Expression, ...rest: Operand[]): Expression {
  const args = [first, ...rest.map((r) => lift(r, first.type))];
  return { kind: 'call', type: RESULT[fn]?.(args) ?? first.type, fn, arguments: args };
}
export const min = (a: Operand, b: Operand): Expression => {
  const [left, right] = pair(a, b);
  return call('min', left, right);
};
export const max = (a: Operand, b: Operand): Expression => {
  const [left, right] = pair(a, b);
  return call('max', left, right);
};
export const dot = (a: Expression, b: Expression): Expression => call('dot', a, b);
export const exp = (a: Expression): Expression => call('exp', a);

export function select(condition: Expression, then: Operand, otherwise: Operand): Expression {
  const [a, b] = pair(then, otherwise);
  if (isLiteral(condition)) return condition.value ? a : b;
  return { kind: 'select', type: a.type, condition, then: a, else: b };
}
export function convert(type: ValueType, value: Expression): Expression {
  if (value.type === type) return value;
  if (isLiteral(value)) {
    if ((type === 'u32' || type === 'i32') && Number.isInteger(value.value) && fits(value.value, type)) {
      return { kind: 'literal', type, value: value.value };
    }
    if (type === 'f32') return { kind: 'literal', type, value: Math.fround(value.value) };
  }
  return { kind: 'convert', type, value };
}
export const bitcast = (type: ValueType, value: Expression): Expression => ({ kind: 'bitcast', type, value });
export function vector(type: VectorType, ...components: Operand[]): Expression {
  return {
    kind: 'vector',
    type,
    components: components.map((c) => (typeof c === 'number' ? lift(c, scalarOf(type)) : c)),
  };
}
export function component(value: Expression, index: number): Expression {
  if (value.kind === 'vector') return value.components[value.components.length === 1 ? 0 : index]!;
  return { kind: 'component', type: scalarOf(value.type), value, index };
}
export function subgroup(operation: SubgroupOperation, value: Expression, argument?: number): Expression {
  return { kind: 'subgroup', type: value.type, operation, value, ...(argument === undefined ? {} : { argument }) };
}
/** ceil(a / b) for unsigned integers. */
export const ceilDiv = (a: Operand, b: number): Expression => div(add(a, b - 1), b);
