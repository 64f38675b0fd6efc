/** Types of expressions, checked against the types they claim. */
import type { ConstantValues } from '../constants.js';
import { evaluateConstant } from '../constants.js';
import { isVector, lanesOf, scalarOf } from '../expressions.js';
import type { BufferDeclaration, Expression, Kernel, ScalarType, SharedDeclaration, ValueType } from '../ir.js';
import { operandsOf, someExpression } from '../walk.js';
import { BUFFER_TYPE } from '../buffers.js';
import { binaryType, callType, canBitcast, unaryType } from './signatures.js';

export interface Local {
  readonly kind: 'let' | 'var' | 'array' | 'loop';
  readonly type: ValueType;
  /** Of an array, where it is known. */
  readonly length?: number;
}

export interface ExpressionContext {
  readonly kernel: Kernel;
  readonly buffers: ReadonlyMap<string, BufferDeclaration>;
  readonly shared: ReadonlyMap<string, SharedDeclaration>;
  readonly constants: ConstantValues;
  readonly local: (name: string) => Local | undefined;
}

/** Everything wrong in an expression. */
export function checkExpression(e: Expression, context: ExpressionContext): readonly string[] {
  const inner = operandsOf(e).flatMap((operand) => checkExpression(operand, context));
  const own = new ExpressionRules(context).problem(e);
  return own === undefined ? inner : [...inner, own];
}

class ExpressionRules {
  constructor(private readonly context: ExpressionContext) {}

  problem(e: Expression): string | undefined {
    const { kernel, buffers, shared, constants } = this.context;
    switch (e.kind) {
      case 'literal':
        return literalProblem(e.type, e.value);
      case 'local': {
        const local = this.context.local(e.name);
        if (!local || local.kind === 'array') return `${e.name} is not a local here`;
        return this.#claims(e, local.type);
      }
      case 'builtin':
        if (e.name.startsWith('subgroup_') && !kernel.requires.includes('subgroups'))
          return `${e.name} needs the feature subgroups`;
        return this.#claims(e, 'u32');
      case 'uniform': {
        const field = kernel.uniforms.find((u) => u.name === e.name);
        return field ? this.#claims(e, field.type) : `${e.name} is not a uniform`;
      }
      case 'constant':
        return e.name in constants ? this.#claims(e, 'u32') : `${e.name} is not a tile constant`;
      case 'unary':
        return this.#claims(e, unaryType(e.operator, e.operand.type), `${e.operator} ${e.operand.type}`);
      case 'binary':
        return (
          this.#claims(
            e,
            binaryType(e.operator, e.left.type, e.right.type),
            `${e.left.type} ${e.operator} ${e.right.type}`,
          ) ?? this.#constantProblem(e)
        );
      case 'call':
        return this.#claims(e, callType(e.fn, typesOf(e.arguments)), `${e.fn}(${typesOf(e.arguments).join(', ')})`);
      case 'select':
        if (e.condition.type !== 'bool') return `the condition of select is a ${e.condition.type}`;
        return this.#claims(
          e,
          e.then.type === e.else.type ? e.then.type : undefined,
          `select of ${e.then.type} and ${e.else.type}`,
        );
      case 'convert':
        return lanesOf(e.type) === lanesOf(e.value.type) ? undefined : `conversion of ${e.value.type} to ${e.type}`;
      case 'bitcast':
        return canBitcast(e.value.type, e.type) ? undefined : `bitcast of ${e.value.type} to ${e.type}`;
      case 'vector':
        return vectorProblem(e.type, typesOf(e.components));
      case 'component':
        if (!Number.isInteger(e.index) || e.index < 0 || e.index >= lanesOf(e.value.type) || !isVector(e.value.type))
          return `component ${e.index} of ${e.value.type}`;
        return this.#claims(e, scalarOf(e.value.type));
      case 'load':
      case 'load_weights': {
        const buffer = buffers.get(e.buffer);
        if (!buffer) return `${e.buffer} is not a buffer`;
        if ((buffer.element === 'weights') !== (e.kind === 'load_weights'))
          return `${e.buffer} of ${buffer.element} is read by ${e.kind}`;
        return this.#index(e.index, undefined) ?? this.#claims(e, BUFFER_TYPE[buffer.element]);
      }
      case 'load_shared': {
        const array = shared.get(e.array);
        if (!array) return `${e.array} is not workgroup memory`;
        return this.#index(e.index, evaluateConstant(array.length, constants)) ?? this.#claims(e, array.element);
      }
      case 'element': {
        const array = this.context.local(e.array);
        if (array?.kind !== 'array') return `${e.array} is not a private array here`;
        return this.#index(e.index, array.length) ?? this.#claims(e, array.type);
      }
      case 'subgroup':
        return this.#subgroup(e);
    }
  }

  /** A problem of an index into `length` elements (undefined: not known). */
  indexProblem(index: Expression, length: number | undefined): string | undefined {
    return this.#index(index, length);
  }

  #index(index: Expression, length: number | undefined): string | undefined {
    if (index.type !== 'u32' && index.type !== 'i32') return `an index is a ${index.type}`;
    const value = evaluateConstant(index, this.context.constants);
    return value !== undefined && length !== undefined && (value < 0 || value >= length)
      ? `index ${value} of ${length} elements`
      : undefined;
  }

  #claims(e: Expression, type: ValueType | undefined, what: string = e.kind): string | undefined {
    if (type === undefined) return `there is no ${what}`;
    return type === e.type ? undefined : `${what} is a ${type}, not a ${e.type}`;
  }

  /** What WGSL computes when the shader is made may not overflow. */
  #constantProblem(e: Expression & { kind: 'binary' }): string | undefined {
    const { constants } = this.context;
    const right = evaluateConstant(e.right, constants);
    if ((e.operator === '/' || e.operator === '%') && right === 0) return 'division by zero';
    if ((e.operator === '<<' || e.operator === '>>') && right !== undefined && right >= 32) return `shift by ${right}`;
    const left = evaluateConstant(e.left, constants);
    const isInteger = e.type === 'u32' || e.type === 'i32';
    const known = left !== undefined && right !== undefined && isInteger && !['&', '|', '^'].includes(e.operator);
    return known && evaluateConstant(e, constants) === undefined
      ? `the constant ${left} ${e.operator} ${right} is not a ${e.type}`
      : undefined;
  }

  #subgroup(e: Expression & { kind: 'subgroup' }): string | undefined {
    if (!this.context.kernel.requires.includes('subgroups')) return 'a subgroup operation needs the feature subgroups';
    if (scalarOf(e.value.type) === 'bool') return 'a subgroup operation on bool';
    const shuffles = e.operation === 'shuffle_xor' || e.operation === 'shuffle_down';
    if (shuffles && !(Number.isInteger(e.argument) && e.argument! >= 0 && e.argument! < 128))
      return `${e.operation} by ${e.argument}`;
    if (e.operation === 'broadcast') {
      if (![0, 1, 2, 3].includes(e.argument!)) return `broadcast from lane ${e.argument}`;
    } else if (!shuffles && e.argument !== undefined) return `${e.operation} takes no argument`;
    return this.#claims(e, e.value.type);
  }
}

/** An index into something of known length; used for stores. */
export function checkIndex(
  index: Expression,
  length: number | undefined,
  context: ExpressionContext,
): readonly string[] {
  const own = new ExpressionRules(context).indexProblem(index, length);
  return own === undefined ? [] : [own];
}

/** Subgroup operations may not stand where some invocations skip them. */
export function skipsSubgroup(e: Expression): boolean {
  return someExpression(
    e,
    (x) =>
      x.kind === 'binary' &&
      (x.operator === '&&' || x.operator === '||') &&
      someExpression(x.right, (inner) => inner.kind === 'subgroup'),
  );
}

const typesOf = (list: readonly Expression[]): readonly ValueType[] => list.map((e) => e.type);

function vectorProblem(type: ValueType, components: readonly ValueType[]): string | undefined {
  if (!isVector(type)) return `a vector of type ${type}`;
  if (components.length !== 1 && components.length !== lanesOf(type))
    return `a ${type} of ${components.length} components`;
  const other = components.find((t) => t !== scalarOf(type));
  return other === undefined ? undefined : `a ${type} with a component of ${other}`;
}

function literalProblem(type: ScalarType, value: number): string | undefined {
  switch (type) {
    case 'bool':
      return value === 0 || value === 1 ? undefined : `${value} is not a bool`;
    case 'u32':
      return Number.isInteger(value) && value >= 0 && value <= 0xffffffff ? undefined : `${value} is not a u32`;
    case 'i32':
      return Number.isInteger(value) && value >= -0x80000000 && value <= 0x7fffffff
        ? undefined
        : `${value} is not an i32`;
    case 'f32':
      return Number.isFinite(Math.fround(value)) ? undefined : `${value} is not a finite f32`;
    case 'f16':
      return Math.abs(value) <= 65504 ? undefined : `${value} is not a finite f16`;
  }
}
