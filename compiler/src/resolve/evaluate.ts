/**
 * Values of compile-time expressions. `undefined` means that the expression was wrong and has been reported; whoever
 * asked stays silent about it.
 */
import type { Argument, Binary, BinaryOperator, Call, Declaration, Expression, Name, Span } from '@hyb/grammar';
import type { Diagnostics } from '../diagnostics/collector.js';
import { didYouMean } from '../diagnostics/suggest.js';
import { describeDeclaration } from '../sources/scope.js';
import { BUILTINS } from './builtins.js';
import type { Environment } from './environment.js';
import { instantiate, partialBuiltin, partialFunction } from './instantiate.js';
import { report } from './messages/report.js';
import { boolean, float, integer, kindOf, printValue, UNITS } from './value.js';
import type { Value } from './value.js';

/** What evaluation needs beside the environment. */
export interface EvaluationContext {
  readonly diagnostics: Diagnostics;
  /** The model's width, to which parameters' defaults may refer; undefined where it is wrong. May be computed when read. */
  readonly width: number | undefined;
}

/** Deeper than any model is written, and far from where the stack ends. */
const MAX_DEPTH = 200;
/** Expressions being evaluated, each inside the one before; evaluation is synchronous. */
let depth = 0;
/** One finding is enough for everything that lies below the limit. */
let tooDeep = false;

/** The value of an expression; undefined, with a finding, where it has none. */
export function evaluate(
  expression: Expression,
  environment: Environment,
  context: EvaluationContext,
): Value | undefined {
  if (depth >= MAX_DEPTH) {
    if (!tooDeep) context.diagnostics.add(report('HYB1019', expression.span, { limit: MAX_DEPTH }));
    tooDeep = true;
    return undefined;
  }
  depth++;
  try {
    return valueOf(expression, environment, context);
  } finally {
    depth--;
    if (depth === 0) tooDeep = false;
  }
}

function valueOf(expression: Expression, environment: Environment, context: EvaluationContext): Value | undefined {
  const wrong = (what: string): undefined => {
    context.diagnostics.add(report('HYB1012', expression.span, { what }));
    return undefined;
  };
  switch (expression.kind) {
    case 'NumberLiteral': {
      const { value, raw, unit } = expression;
      if (unit === undefined) {
        // The parser has reported a literal that no number can hold.
        if (!Number.isFinite(value)) return undefined;
        if (/^[\d_]+$/.test(raw) && !Number.isSafeInteger(value)) return notFinite(expression.span, raw, context);
        return { kind: 'number', value, integer: !raw.includes('.') && Number.isSafeInteger(value) };
      }
      const meaning = UNITS.get(unit.text);
      // The parser knows the units; another one has been reported.
      if (meaning === undefined) return undefined;
      return { kind: 'quantity', value: value * meaning.factor, dimension: meaning.dimension };
    }
    case 'StringLiteral':
      return { kind: 'string', value: expression.value };
    case 'BooleanLiteral':
      return boolean(expression.value);
    case 'NoneLiteral':
      return { kind: 'none' };
    case 'Name':
      return evaluateName(expression, environment, context);
    case 'Member': {
      const object = evaluate(expression.object, environment, context);
      if (object === undefined) return undefined;
      const { text, span } = expression.name;
      const parts = object.kind === 'block' || object.kind === 'norm' ? object.arguments : {};
      if (Object.hasOwn(parts, text)) return parts[text];
      context.diagnostics.add(
        report(
          'HYB1018',
          span,
          { what: describeValue(object), name: text },
          didYouMean(span, text, Object.keys(parts)),
        ),
      );
      return undefined;
    }
    case 'IndexExpression': {
      const object = evaluate(expression.object, environment, context);
      const index =
        expression.indices.length === 1 ? evaluate(expression.indices[0]!, environment, context) : undefined;
      if (object === undefined || (index === undefined && expression.indices.length === 1)) return undefined;
      const elements = object.kind === 'tuple' ? object.elements : [];
      const found = index?.kind === 'number' ? elements[index.value] : undefined;
      if (found !== undefined) return found;
      const name = `[${index === undefined ? '…' : printValue(index)}]`;
      context.diagnostics.add(report('HYB1018', expression.span, { what: describeValue(object), name }));
      return undefined;
    }
    case 'Call':
      return evaluateCall(expression, environment, context);
    case 'Unary': {
      const operand = evaluate(expression.operand, environment, context);
      if (operand === undefined) return undefined;
      if (expression.operator === 'not') {
        if (operand.kind === 'boolean') return boolean(!operand.value);
        return wrongOperands(expression.span, 'not', 'true or false', [operand], context);
      }
      if (operand.kind === 'number' || operand.kind === 'quantity') return { ...operand, value: 0 - operand.value };
      return wrongOperands(expression.span, '-', 'a number', [operand], context);
    }
    case 'Binary':
      return evaluateBinary(expression, environment, context);
    case 'Conditional': {
      const condition = evaluate(expression.condition, environment, context);
      if (condition === undefined) return undefined;
      if (condition.kind !== 'boolean') {
        return wrongOperands(expression.condition.span, 'if', 'true or false', [condition], context);
      }
      return evaluate(condition.value ? expression.then : expression.else, environment, context);
    }
    case 'Tuple': {
      const elements = [];
      let complete = true;
      for (const element of expression.elements) {
        const value = evaluate(element, environment, context);
        if (value === undefined) complete = false;
        else if (value.kind === 'quantity' || value.kind === 'block') {
          context.diagnostics.add(report('HYB1012', element.span, { what: `A tuple with ${describeValue(value)}` }));
          complete = false;
        } else elements.push(value);
      }
      return complete ? { kind: 'tuple', elements } : undefined;
    }
    case 'RecordExpression':
      return wrong('A record { … }');
    case 'MapExpression':
      return wrong('A map { … : … }');
    case 'PatternExpression':
      return wrong('A pattern [ … ]');
    case 'ScanExpression':
      return wrong('A scan');
    case 'AsExpression':
      return wrong('A change of shape');
    case 'Range':
      return wrong('A range');
    case 'Arrow':
      return wrong('An arrow');
    case 'Shared':
      return wrong('`shared`');
    case 'ErrorExpression':
      return undefined;
  }
}

/** `an int`, `a string`, `none`: values in messages. */
export function describeValue(value: Value): string {
  switch (value.kind) {
    case 'none':
      return 'none';
    case 'number':
      // A fraction that happens to be whole is shown as one: 2.0 is no whole number here.
      return `the number ${printValue(value)}${!value.integer && Number.isInteger(value.value) ? '.0' : ''}`;
    case 'boolean':
      return printValue(value);
    case 'string':
      return `the string ${printValue(value)}`;
    case 'tuple':
      return `the tuple ${printValue(value)}`;
    case 'function':
      return `the function ${printValue(value)}`;
    case 'norm':
      return `the norm ${value.declaration.name.text}`;
    case 'block':
      return `the block ${value.declaration.name.text}`;
    case 'quantity':
      return `a number of ${value.dimension}`;
  }
}

function evaluateName(name: Name, environment: Environment, context: EvaluationContext): Value | undefined {
  const local = environment.value(name);
  if (local !== undefined) return local.state === 'known' ? local.value : undefined;
  const declared = environment.scope.find(name.text);
  if (declared !== undefined) {
    const { declaration, scope } = declared;
    switch (declaration.kind) {
      case 'BlockDeclaration':
        if (declaration.form === 'block') return notAValue(name, declaration, context);
        return instantiate(declaration, scope, [], name.span, context);
      case 'FunctionDeclaration':
        return { kind: 'function', callee: { declaration, scope }, arguments: {} };
      case 'ModelDeclaration':
      case 'TrainDeclaration':
      case 'WeightsDeclaration':
        return notAValue(name, declaration, context);
    }
  }
  if (environment.scope.isBroken(name.text)) return undefined;
  if (name.text === 'inf') return float(Infinity);
  const builtin = BUILTINS.get(name.text);
  if (builtin !== undefined) return partialBuiltin(builtin, [], name.span, context);
  const candidates = [...environment.names(), ...environment.scope.names(), ...BUILTINS.keys(), 'inf'];
  context.diagnostics.add(
    report('HYB1010', name.span, { name: name.text }, didYouMean(name.span, name.text, candidates)),
  );
  return undefined;
}

function notAValue(name: Name, declaration: Declaration, context: EvaluationContext): undefined {
  context.diagnostics.add(report('HYB1011', name.span, { name: name.text, what: describeDeclaration(declaration) }));
  return undefined;
}

function evaluateCall(call: Call, environment: Environment, context: EvaluationContext): Value | undefined {
  const { callee } = call;
  if (callee.kind === 'ErrorExpression') return undefined;
  if (callee.kind !== 'Name') {
    context.diagnostics.add(report('HYB1014', callee.span, { name: 'This' }));
    return undefined;
  }
  const given = call.arguments.map((argument) => ({ ...argument, environment }));
  const declared = environment.scope.find(callee.text);
  if (declared !== undefined) {
    const { declaration, scope } = declared;
    switch (declaration.kind) {
      case 'BlockDeclaration':
        if (declaration.form === 'block') return notAValue(callee, declaration, context);
        return instantiate(declaration, scope, given, call.span, context);
      case 'FunctionDeclaration':
        return partialFunction(declaration, scope, given, context);
      case 'ModelDeclaration':
      case 'TrainDeclaration':
      case 'WeightsDeclaration':
        context.diagnostics.add(report('HYB1014', callee.span, { name: callee.text }));
        return undefined;
    }
  }
  if (environment.scope.isBroken(callee.text)) return undefined;
  const arithmetic = ARITHMETIC.get(callee.text);
  if (arithmetic !== undefined && call.arguments.length > 0) {
    return evaluateArithmetic(call, callee.text, arithmetic, environment, context);
  }
  const builtin = BUILTINS.get(callee.text);
  if (builtin !== undefined) return partialBuiltin(builtin, given, call.span, context);
  if (environment.value(callee) !== undefined || ARITHMETIC.has(callee.text)) {
    context.diagnostics.add(report('HYB1014', callee.span, { name: callee.text }));
    return undefined;
  }
  const candidates = [...environment.scope.names(), ...BUILTINS.keys(), ...ARITHMETIC.keys()];
  context.diagnostics.add(
    report('HYB1010', callee.span, { name: callee.text }, didYouMean(callee.span, callee.text, candidates)),
  );
  return undefined;
}

interface Arithmetic {
  readonly arity: number | 'many';
  readonly apply: (values: readonly number[]) => number;
  /** Whether the result is whole, given that the arguments are. */
  readonly whole: 'always' | 'with_arguments' | 'never';
}

const ARITHMETIC: ReadonlyMap<string, Arithmetic> = new Map<string, Arithmetic>([
  ['max', { arity: 'many', apply: (v) => Math.max(...v), whole: 'with_arguments' }],
  ['min', { arity: 'many', apply: (v) => Math.min(...v), whole: 'with_arguments' }],
  ['abs', { arity: 1, apply: ([x]) => Math.abs(x!), whole: 'with_arguments' }],
  ['floor', { arity: 1, apply: ([x]) => Math.floor(x!), whole: 'always' }],
  ['ceil', { arity: 1, apply: ([x]) => Math.ceil(x!), whole: 'always' }],
  ['round', { arity: 1, apply: ([x]) => Math.round(x!), whole: 'always' }],
  ['sqrt', { arity: 1, apply: ([x]) => Math.sqrt(x!), whole: 'never' }],
  ['exp', { arity: 1, apply: ([x]) => Math.exp(x!), whole: 'never' }],
  ['log', { arity: 1, apply: ([x]) => Math.log(x!), whole: 'never' }],
]);

function evaluateArithmetic(
  call: Call,
  name: string,
  { arity, apply, whole }: Arithmetic,
  environment: Environment,
  context: EvaluationContext,
): Value | undefined {
  const values = call.arguments.map((argument: Argument) => evaluate(argument.value, environment, context));
  if (values.includes(undefined)) return undefined;
  const numbers = values.flatMap((value) => (value?.kind === 'number' ? [value] : []));
  const named = call.arguments.some((argument) => argument.name !== undefined);
  if (numbers.length < values.length || named || (arity !== 'many' && values.length !== arity)) {
    const takes = arity === 'many' ? 'numbers' : 'one number';
    return wrongOperands(call.span, name, takes, values as Value[], context);
  }
  const result = apply(numbers.map((n) => n.value));
  const isWhole = whole === 'always' || (whole === 'with_arguments' && numbers.every((n) => n.integer));
  return number(
    result,
    isWhole,
    call.span,
    `${name}(…)`,
    numbers.some((n) => !Number.isFinite(n.value)),
    context,
  );
}

function evaluateBinary(expression: Binary, environment: Environment, context: EvaluationContext): Value | undefined {
  const { operator, span } = expression;
  const left = evaluate(expression.left, environment, context);
  if (operator === 'and' || operator === 'or') {
    if (left === undefined) return undefined;
    // The right side is not looked at where the left one decides, as in `cap == none or cap > 0`.
    if (left.kind === 'boolean' && left.value === (operator === 'or')) return left;
    const right = evaluate(expression.right, environment, context);
    if (right === undefined) return undefined;
    if (left.kind === 'boolean' && right.kind === 'boolean') return right;
    return wrongOperands(span, operator, 'true or false on both sides', [left, right], context);
  }
  const right = evaluate(expression.right, environment, context);
  if (left === undefined || right === undefined) return undefined;
  if (operator === '==' || operator === '!=') {
    const comparable = left.kind === right.kind || left.kind === 'none' || right.kind === 'none';
    const measures = left.kind !== 'quantity' || right.kind !== 'quantity' || left.dimension === right.dimension;
    if (!comparable || !measures)
      return wrongOperands(span, operator, 'two values of one kind', [left, right], context);
    return boolean(equalValues(left, right) === (operator === '=='));
  }
  if (left.kind === 'quantity' || right.kind === 'quantity') return quantities(expression, left, right, context);
  if (left.kind !== 'number' || right.kind !== 'number') {
    return wrongOperands(span, operator, 'numbers', [left, right], context);
  }
  const { result, whole } = arithmetic(operator, left.value, right.value, left.integer && right.integer);
  if (typeof result === 'boolean') return boolean(result);
  const infinite = !Number.isFinite(left.value) || !Number.isFinite(right.value);
  return number(
    result,
    whole,
    span,
    `${printValue(left)} ${spelling(operator)} ${printValue(right)}`,
    infinite,
    context,
  );
}

function arithmetic(
  operator: Exclude<BinaryOperator, 'and' | 'or' | '==' | '!='>,
  a: number,
  b: number,
  whole: boolean,
): { result: number | boolean; whole: boolean } {
  switch (operator) {
    case '+':
      return { result: a + b, whole };
    case '-':
      return { result: a - b, whole };
    case '*':
      return { result: a * b, whole };
    case '/':
      return { result: a / b, whole: false };
    case '//':
      return { result: Math.floor(a / b), whole };
    case '%':
      // The remainder of `div`, so that `a == a div b * b + a % b` for negative numbers too.
      return { result: a - Math.floor(a / b) * b, whole };
    case '**':
      return { result: a ** b, whole: whole && b >= 0 };
    case '<':
      return { result: a < b, whole };
    case '<=':
      return { result: a <= b, whole };
    case '>':
      return { result: a > b, whole };
    case '>=':
      return { result: a >= b, whole };
  }
}

function quantities(expression: Binary, left: Value, right: Value, context: EvaluationContext): Value | undefined {
  const { operator, span } = expression;
  if (left.kind === 'quantity' && right.kind === 'quantity' && left.dimension === right.dimension) {
    const { result } = arithmetic(operator as '+', left.value, right.value, false);
    if (typeof result === 'boolean') return boolean(result);
    if (operator === '+' || operator === '-') return { ...left, value: result };
    if (operator === '/') return number(result, false, span, 'this division', false, context);
  }
  if (left.kind === 'quantity' && right.kind === 'number' && (operator === '*' || operator === '/')) {
    const value = operator === '*' ? left.value * right.value : left.value / right.value;
    return Number.isFinite(value) ? { ...left, value } : notFinite(span, 'this', context);
  }
  if (left.kind === 'number' && right.kind === 'quantity' && operator === '*') {
    return { ...right, value: left.value * right.value };
  }
  return wrongOperands(span, operator, 'numbers, or quantities of one unit', [left, right], context);
}

function equalValues(a: Value, b: Value): boolean {
  if (a.kind === 'none' || b.kind === 'none') return a.kind === b.kind;
  if ((a.kind === 'number' && b.kind === 'number') || (a.kind === 'quantity' && b.kind === 'quantity')) {
    return a.value === b.value;
  }
  if (a.kind === 'tuple' && b.kind === 'tuple') {
    return (
      a.elements.length === b.elements.length && a.elements.every((element, i) => equalValues(element, b.elements[i]!))
    );
  }
  return printValue(a) === printValue(b);
}

function number(
  value: number,
  whole: boolean,
  span: Span,
  operation: string,
  infiniteOperands: boolean,
  context: EvaluationContext,
): Value | undefined {
  if (Number.isNaN(value) || (!Number.isFinite(value) && !infiniteOperands)) return notFinite(span, operation, context);
  if (whole && Number.isFinite(value) && !Number.isSafeInteger(value)) return notFinite(span, operation, context);
  return whole && Number.isFinite(value) ? integer(value) : float(value);
}

/** Operators as files write them: `//` begins a comment there, and division of whole numbers is `div`. */
function spelling(operator: string): string {
  return operator === '//' ? 'div' : operator;
}

function notFinite(span: Span, operation: string, context: EvaluationContext): undefined {
  context.diagnostics.add(report('HYB1015', span, { operation }));
  return undefined;
}

function wrongOperands(
  span: Span,
  operator: string,
  takes: string,
  values: readonly Value[],
  context: EvaluationContext,
): undefined {
  const found = values.map(kindOf).join(' and ');
  context.diagnostics.add(report('HYB1013', span, { operator: spelling(operator), takes }, { expected: takes, found }));
  return undefined;
}
