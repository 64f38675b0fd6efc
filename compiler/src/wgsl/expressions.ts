/** Expressions as WGSL text, with as few parentheses as the grammar allows. */
import { lanesOf, scalarOf } from '../kernel/expressions.js';
import type { BinaryOperator, Expression, Intrinsic } from '../kernel/ir.js';
import { operandsOf } from '../kernel/walk.js';
import { helperName, isHelper } from './helpers.js';
import { printLiteral } from './literals.js';
import { fieldName } from './names.js';
import type { BuiltinParameter, Level } from './operators.js';
import { BINARY_RULES, BUILTIN_FUNCTION, BUILTIN_VALUE, SUBGROUP_FUNCTION } from './operators.js';

/** What printing expressions finds out about the module on the way. */
export interface ModuleNeeds {
  readonly helpers: Set<string>;
  readonly parameters: Set<BuiltinParameter>;
}

const levelOf = (e: Expression): Level => (e.kind === 'binary' ? BINARY_RULES[e.operator].level : 'unary');
const COMPONENTS = ['x', 'y', 'z', 'w'] as const;

export class ExpressionPrinter {
  constructor(
    private readonly nameOf: (name: string) => string,
    readonly needs: ModuleNeeds,
  ) {}

  /** An expression that stands alone: an initial value, a condition, a bound. */
  alone(e: Expression): string {
    // Abstract numbers become f32 and i32 by themselves.
    return this.#print(e, e.type !== 'f32' && e.type !== 'i32');
  }
  /** An expression whose type its place gives: the right side of an assignment. */
  assigned(e: Expression): string {
    return this.#print(e, false);
  }
  /** The right side of `<` in a loop's condition. */
  bound(e: Expression): string {
    return this.#operand(e, BINARY_RULES['<'].right, false);
  }
  /** The right operand of an arithmetic operator whose left side is not constant. */
  operandText(binary: Expression & { kind: 'binary' }): string {
    return this.#operand(binary.right, BINARY_RULES[binary.operator].right, false);
  }
  /** The length of an array type; `>` would end the type. */
  length(e: Expression): string {
    return this.#argument(e, false);
  }
  /** An index. */
  index(e: Expression): string {
    return this.#print(e, false);
  }

  #print(e: Expression, suffixed: boolean): string {
    switch (e.kind) {
      case 'literal':
        return printLiteral(e.type, e.value, suffixed);
      case 'local':
      case 'constant':
        return this.nameOf(e.name);
      case 'builtin': {
        const { text, parameter } = BUILTIN_VALUE[e.name];
        this.needs.parameters.add(parameter);
        return text;
      }
      case 'uniform':
        return `uniforms.${fieldName(e.name)}`;
      case 'unary': {
        const operand = this.#operand(e.operand, ['unary'], suffixed);
        // `--` is a token of its own.
        return `${e.operator}${operand.startsWith('-') ? `(${operand})` : operand}`;
      }
      case 'binary':
        return this.#binary(e.operator, e.left, e.right);
      case 'call': {
        if (isHelper(e.fn)) return this.#helper(e.fn, e.arguments[0]!);
        const literal = e.arguments.every(isConstant);
        return `${BUILTIN_FUNCTION[e.fn]}(${e.arguments.map((argument) => this.#argument(argument, literal)).join(', ')})`;
      }
      case 'select': {
        const literal = isConstant(e.then) && isConstant(e.else);
        return `select(${this.#argument(e.else, literal)}, ${this.#argument(e.then, literal)}, ${this.#argument(e.condition, true)})`;
      }
      case 'convert':
        return `${e.type}(${this.#argument(e.value, true)})`;
      case 'bitcast':
        return `bitcast<${e.type}>(${this.#argument(e.value, true)})`;
      case 'vector':
        return `${e.type}(${e.components.map((c) => this.#argument(c, false)).join(', ')})`;
      case 'component':
        return `${this.#operand(e.value, ['unary'], true, true)}.${COMPONENTS[e.index]}`;
      case 'load':
        return `${this.nameOf(e.buffer)}[${this.index(e.index)}]`;
      case 'load_weights':
        return `${e.buffer}_decode(${this.nameOf(e.buffer)}[${this.index(e.index)}])`;
      case 'load_shared':
      case 'element':
        return `${this.nameOf(e.array)}[${this.index(e.index)}]`;
      case 'subgroup': {
        const extra = e.argument === undefined ? '' : `, ${e.argument}u`;
        return `${SUBGROUP_FUNCTION[e.operation]}(${this.#argument(e.value, true)}${extra})`;
      }
    }
  }

  #binary(operator: BinaryOperator, left: Expression, right: Expression): string {
    const rule = BINARY_RULES[operator];
    // A literal takes its type from the other side; two constants would be computed as abstract numbers, in f64.
    const suffixed = isConstant(left) && isConstant(right);
    // A shift has the type of its left side, whatever the right one is.
    const shifted = operator === '<<' || operator === '>>';
    const a = this.#operand(left, rule.left, suffixed || shifted);
    const b = this.#operand(right, rule.right, suffixed);
    return `${a} ${operator} ${b}`;
  }

  #operand(e: Expression, levels: readonly Level[], suffixed: boolean, postfix = false): string {
    const text = this.#print(e, suffixed);
    const bare = levels.includes(levelOf(e)) && !(postfix && /^[-!~]/.test(text));
    return bare ? text : `(${text})`;
  }

  /** `<` and `>` in a list of arguments could be taken for a template list. */
  #argument(e: Expression, suffixed: boolean): string {
    const text = this.#print(e, suffixed);
    const level = levelOf(e);
    return level === 'relational' || level === 'shift' || level === 'and' || level === 'or' ? `(${text})` : text;
  }

  /** Helpers compute in f32. */
  #helper(fn: Intrinsic, argument: Expression): string {
    const lanes = lanesOf(argument.type);
    const name = helperName(fn, lanes);
    this.needs.helpers.add(name);
    const text = this.#argument(argument, true);
    if (scalarOf(argument.type) !== 'f16') return `${name}(${text})`;
    return `${argument.type}(${name}(${lanes === 1 ? 'f32' : `vec${lanes}f`}(${text})))`;
  }
}

/** Whether WGSL would evaluate the expression when the shader is created. */
function isConstant(e: Expression): boolean {
  switch (e.kind) {
    case 'literal':
    case 'constant':
      return true;
    case 'unary':
    case 'binary':
    case 'call':
    case 'select':
    case 'convert':
    case 'bitcast':
    case 'vector':
    case 'component':
      return operandsOf(e).every(isConstant);
    default:
      return false;
  }
}
