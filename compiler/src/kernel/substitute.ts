/**
 * Replacing a local by a constant, and computing what becomes constant by it. Integers wrap, as they do when the program
 * runs: WGSL rejects constant expressions that overflow, even in branches that are never taken.
 */
import * as make from './expressions.js';
import type { BinaryOperator, Expression, Statement } from './ir.js';
import { mapBlocks, mapOperands, mapStatementExpressions } from './walk.js';

/** The expression with the local `name` replaced. */
export function substitute(e: Expression, name: string, value: Expression): Expression {
  if (e.kind === 'local') return e.name === name ? value : e;
  const mapped = mapOperands(e, (operand) => substitute(operand, name, value));
  return mapped === e ? e : fold(mapped);
}

/** The statements with the local `name` replaced; branches that are never taken are gone. */
export function substituteInStatements(
  body: readonly Statement[],
  name: string,
  value: Expression,
): readonly Statement[] {
  return body.flatMap((s) => {
    const own = mapStatementExpressions(s, (e) => substitute(e, name, value));
    if (own.kind === 'if' && own.condition.kind === 'literal') {
      const taken = own.condition.value ? own.then : (own.else ?? []);
      const statements = substituteInStatements(taken, name, value);
      // The branch keeps its scope when it has names of its own.
      return declares(statements) ? [{ ...own, condition: make.bool(true), then: statements, else: [] }] : statements;
    }
    return [mapBlocks(own, (block) => substituteInStatements(block, name, value))];
  });
}

/** Whether statements declare a name of their own at their top level. */
export function declares(body: readonly Statement[]): boolean {
  return body.some((s) => s.kind === 'let' || s.kind === 'var' || s.kind === 'array');
}

function fold(e: Expression): Expression {
  switch (e.kind) {
    case 'select':
      return make.select(e.condition, e.then, e.else);
    case 'convert':
      return make.convert(e.type, e.value);
    case 'unary':
      return e.operator === '!' && make.isLiteral(e.operand) ? make.bool(e.operand.value === 0) : e;
    case 'binary':
      return foldBinary(e);
    default:
      return e;
  }
}

function foldBinary(e: Expression & { kind: 'binary' }): Expression {
  const { operator, left, right } = e;
  if (operator === '&&' || operator === '||') return foldLogic(operator, left, right);
  if (make.isLiteral(left) && make.isLiteral(right) && (left.type === 'u32' || left.type === 'i32')) {
    const value = integer(operator, left.value, right.value);
    if (typeof value === 'boolean') return make.bool(value);
    if (value !== undefined)
      return { kind: 'literal', type: left.type, value: left.type === 'u32' ? value >>> 0 : value | 0 };
  }
  switch (operator) {
    case '+':
      return make.add(left, right);
    case '-':
      return make.sub(left, right);
    case '*':
      return make.mul(left, right);
    case '/':
      return make.div(left, right);
    case '%':
      return make.mod(left, right);
    default:
      return e;
  }
}

function foldLogic(operator: '&&' | '||', left: Expression, right: Expression): Expression {
  const decides = operator === '&&' ? 0 : 1;
  if (make.isLiteral(left)) return left.value === decides ? left : right;
  if (make.isLiteral(right) && right.value !== decides) return left;
  return operator === '&&' ? make.and(left, right) : make.or(left, right);
}

/** undefined: not defined, as a division by zero. */
function integer(operator: BinaryOperator, a: number, b: number): number | boolean | undefined {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return Math.imul(a, b);
    case '/':
      return b === 0 ? undefined : Math.trunc(a / b);
    case '%':
      return b === 0 ? undefined : a % b;
    case '<<':
      return b < 32 ? a << b : undefined;
    case '>>':
      return b < 32 ? (a >= 2 ** 31 ? a >>> b : a >> b) : undefined;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '&&':
    case '||':
      return undefined;
  }
}
