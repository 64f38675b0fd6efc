/** Types of operators and functions, as WGSL has them. */
import { isVector, lanesOf, scalarOf } from '../expressions.js';
import type { BinaryOperator, Intrinsic, ScalarType, ValueType, VectorType } from '../ir.js';

const FLOATS: readonly ScalarType[] = ['f32', 'f16'];
const INTEGERS: readonly ScalarType[] = ['i32', 'u32'];
const NUMBERS: readonly ScalarType[] = ['f32', 'f16', 'i32', 'u32'];

const VECTORS: Readonly<Record<ScalarType, Readonly<Partial<Record<2 | 4, VectorType>>>>> = {
  f32: { 2: 'vec2f', 4: 'vec4f' },
  u32: { 2: 'vec2u', 4: 'vec4u' },
  i32: { 2: 'vec2i', 4: 'vec4i' },
  f16: { 2: 'vec2h', 4: 'vec4h' },
  bool: {},
};

/** The type of `lanes` components of a scalar type. */
export function typeOf(scalar: ScalarType, lanes: 1 | 2 | 4): ValueType | undefined {
  return lanes === 1 ? scalar : VECTORS[scalar][lanes];
}

/** The operator's result, or undefined when WGSL has no such operator. */
export function binaryType(operator: BinaryOperator, a: ValueType, b: ValueType): ValueType | undefined {
  const scalar = scalarOf(a);
  switch (operator) {
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      if (scalar !== scalarOf(b) || !NUMBERS.includes(scalar)) return undefined;
      if (isVector(a)) return !isVector(b) || a === b ? a : undefined;
      return b;
    case '<':
    case '<=':
    case '>':
    case '>=':
      return a === b && !isVector(a) && NUMBERS.includes(scalar) ? 'bool' : undefined;
    case '==':
    case '!=':
      return a === b && !isVector(a) ? 'bool' : undefined;
    case '&&':
    case '||':
      return a === 'bool' && b === 'bool' ? 'bool' : undefined;
    case '&':
    case '|':
      return a === b && (a === 'bool' || INTEGERS.includes(scalar)) ? a : undefined;
    case '^':
      return a === b && INTEGERS.includes(scalar) ? a : undefined;
    case '<<':
    case '>>':
      return INTEGERS.includes(scalar) && scalarOf(b) === 'u32' && lanesOf(a) === lanesOf(b) ? a : undefined;
  }
}

export function unaryType(operator: '-' | '!' | '~', a: ValueType): ValueType | undefined {
  const scalar = scalarOf(a);
  switch (operator) {
    case '-':
      return NUMBERS.includes(scalar) && scalar !== 'u32' ? a : undefined;
    case '!':
      return a === 'bool' ? a : undefined;
    case '~':
      return INTEGERS.includes(scalar) ? a : undefined;
  }
}

interface Signature {
  readonly arguments: number;
  readonly of: readonly ScalarType[];
}
const float = (count: number): Signature => ({ arguments: count, of: FLOATS });
const single: Signature = { arguments: 1, of: ['f32'] };

/** Functions whose arguments and result have one type, scalars or vectors. */
const UNIFORM_SIGNATURES: Readonly<Record<Exclude<Intrinsic, 'dot' | 'pack2x16float' | 'unpack2x16float'>, Signature>> =
  {
    abs: { arguments: 1, of: NUMBERS },
    sign: { arguments: 1, of: ['f32', 'f16', 'i32'] },
    min: { arguments: 2, of: NUMBERS },
    max: { arguments: 2, of: NUMBERS },
    clamp: { arguments: 3, of: NUMBERS },
    count_one_bits: { arguments: 1, of: INTEGERS },
    exp: float(1),
    log: float(1),
    sqrt: float(1),
    rsqrt: float(1),
    sin: float(1),
    cos: float(1),
    tanh: float(1),
    floor: float(1),
    pow: float(2),
    fma: float(3),
    sigmoid: float(1),
    softplus: float(1),
    silu: float(1),
    erf: float(1),
    gelu: float(1),
    gelu_tanh: float(1),
    safe_tanh: float(1),
    log1p: float(1),
    round_bf16: single,
    round_f16: single,
    round_e4m3: single,
    round_e5m2: single,
  };

/** The function's result, or undefined when there is none for such arguments. */
export function callType(fn: Intrinsic, types: readonly ValueType[]): ValueType | undefined {
  const [first] = types;
  if (first === undefined) return undefined;
  switch (fn) {
    case 'dot':
      return types.length === 2 && types[1] === first && isVector(first) ? scalarOf(first) : undefined;
    case 'pack2x16float':
      return types.length === 1 && first === 'vec2f' ? 'u32' : undefined;
    case 'unpack2x16float':
      return types.length === 1 && first === 'u32' ? 'vec2f' : undefined;
    default: {
      const signature = UNIFORM_SIGNATURES[fn];
      const fits = types.length === signature.arguments && types.every((t) => t === first);
      return fits && signature.of.includes(scalarOf(first)) ? first : undefined;
    }
  }
}

/** Whether a value of one type may be read as the bits of another. */
export function canBitcast(from: ValueType, to: ValueType): boolean {
  if (scalarOf(from) === 'bool' || scalarOf(to) === 'bool') return false;
  return bytesOf(from) === bytesOf(to) && bytesOf(from) >= 4;
}

/** Bytes in memory. */
export function bytesOf(type: ValueType): number {
  return lanesOf(type) * (scalarOf(type) === 'f16' ? 2 : 4);
}
