/** Operators on constants and tensors. */
import type { Binary, BinaryOperator, Expression, Fix, Span } from '@hyb/grammar';
import type { NodeId } from '../../graph/graph.js';
import type { BinaryName } from '../../ops/attributes.js';
import { addNode, addTensor, fail, nodeOf, nodeType } from './frame.js';
import type { Frame } from './frame.js';
import { describeDims, describeSize } from './describe.js';
import { FAILED, boolean, describe, float, functionName, integer, isConstant, sameConstant } from './values.js';
import type { NumberValue, Value } from './values.js';

/** The largest whole exponent that becomes multiplications. */
const LARGEST_POWER = 8;

export function unaryOperator(operator: '-' | 'not', operand: Value, frame: Frame, span: Span): Value {
  if (operand.kind === 'failed') return FAILED;
  if (operand.kind === 'tensor') {
    const node = tensorNode(operand, frame, span);
    return node === undefined ? FAILED : addTensor(frame, operator === '-' ? 'neg' : 'not', [node], {}, span);
  }
  if (operator === '-' && operand.kind === 'number') return { ...operand, value: 0 - operand.value };
  if (operator === 'not' && operand.kind === 'boolean') return boolean(!operand.value);
  const takes = operator === '-' ? 'a number or a tensor' : 'a condition';
  fail(frame, 'HYB3009', span, { operator: spelling(operator), takes }, { expected: takes, found: describe(operand) });
  return FAILED;
}

export function binaryOperator(
  { operator, span, ...operands }: Binary,
  left: Value,
  right: Value,
  frame: Frame,
): Value {
  if (left.kind === 'failed' || right.kind === 'failed') return FAILED;
  if (left.kind === 'tensor' || right.kind === 'tensor') {
    const a = { value: left, from: operands.left };
    const b = { value: right, from: operands.right };
    return tensorOperator(operator, a, b, frame, span);
  }
  if ((operator === '==' || operator === '!=') && isConstant(left) && isConstant(right)) {
    const comparable = left.kind === right.kind || left.kind === 'none' || right.kind === 'none';
    if (comparable) return boolean(sameConstant(left, right) === (operator === '=='));
  }
  if ((operator === '==' || operator === '!=') && (left.kind === 'slot' || right.kind === 'slot')) {
    const empty = (value: Value): boolean => value.kind === 'none' || (value.kind === 'slot' && value.norm === null);
    if (left.kind === 'none' || right.kind === 'none') {
      return boolean((empty(left) && empty(right)) === (operator === '=='));
    }
  }
  if (operator === 'and' || operator === 'or') {
    if (left.kind === 'boolean' && right.kind === 'boolean') {
      return boolean(operator === 'and' ? left.value && right.value : left.value || right.value);
    }
  } else if (left.kind === 'number' && right.kind === 'number') {
    return arithmetic(operator, left, right, frame, span);
  }
  const takes = operator === 'and' || operator === 'or' ? 'conditions' : 'numbers or tensors';
  fail(
    frame,
    'HYB3009',
    span,
    { operator: spelling(operator), takes },
    { expected: takes, found: `${describe(left)} and ${describe(right)}` },
  );
  return FAILED;
}

function arithmetic(
  operator: Exclude<BinaryOperator, 'and' | 'or'>,
  left: NumberValue,
  right: NumberValue,
  frame: Frame,
  span: Span,
): Value {
  const [a, b] = [left.value, right.value];
  const whole = left.integer && right.integer;
  const number = (value: number, isWhole: boolean): Value => {
    const infinite = !Number.isFinite(a) || !Number.isFinite(b);
    if (Number.isNaN(value) || (!Number.isFinite(value) && !infinite)) {
      fail(frame, 'HYB3041', span, { operation: `${a} ${spelling(operator)} ${b}` });
      return FAILED;
    }
    if (isWhole && !Number.isSafeInteger(value)) {
      fail(frame, 'HYB3016', span, { what: `${a} ${spelling(operator)} ${b}` });
      return FAILED;
    }
    return isWhole ? integer(value) : float(value);
  };
  switch (operator) {
    case '+':
      return number(a + b, whole);
    case '-':
      return number(a - b, whole);
    case '*':
      return number(a * b, whole);
    case '/':
      return number(a / b, false);
    case '//':
      return number(Math.floor(a / b), whole);
    case '%':
      // The remainder of `//`, so that `a == a // b * b + a % b` for negative numbers too.
      return number(a - Math.floor(a / b) * b, whole);
    case '**':
      return number(a ** b, whole && b >= 0);
    case '==':
      return boolean(a === b);
    case '!=':
      return boolean(a !== b);
    case '<':
      return boolean(a < b);
    case '<=':
      return boolean(a <= b);
    case '>':
      return boolean(a > b);
    case '>=':
      return boolean(a >= b);
  }
}

/** As sources write it. */
function spelling(operator: BinaryOperator | 'not'): string {
  return operator === '//' ? 'div' : operator;
}

/** The node of a tensor or of a number; reports anything else, and tensors over time inside a scan. */
export function tensorNode(value: Value, frame: Frame, span: Span, from?: Expression): NodeId | undefined {
  switch (value.kind) {
    case 'failed':
      return undefined;
    case 'tensor': {
      if (frame.tape.kind === 'scan' && value.tape !== frame.tape) {
        const type = value.tape.builder.typeOf(value.node);
        if (type.dims.some((d) => d.extent === 'time')) {
          return fail(
            frame,
            'HYB3030',
            span,
            { index: frame.tape.index },
            {
              found: describeDims(type.dims, frame.unit),
              fixes: from?.kind === 'Name' ? [indexFix(from.text, frame.tape.index, span)] : [],
            },
          );
        }
      }
      return nodeOf(value, frame);
    }
    case 'number':
      if (!Number.isFinite(value.value)) return fail(frame, 'HYB3041', span, { operation: 'this number' });
      return frame.tape.builder.constant(value.value);
    case 'function':
      return fail(
        frame,
        'HYB3007',
        span,
        { what: `'${functionName(value)}'`, expected: 'a tensor' },
        { expected: 'a tensor', found: `${describe(value)}, not applied` },
      );
    default:
      return fail(
        frame,
        'HYB3007',
        span,
        { what: 'This', expected: 'a tensor' },
        { expected: 'a tensor', found: describe(value) },
      );
  }
}

function indexFix(name: string, index: string, span: Span): Fix {
  return { title: `Write \`${name}[${index}]\``, edits: [{ span: { ...span, start: span.end }, text: `[${index}]` }] };
}

interface Operand {
  readonly value: Value;
  readonly from: Expression;
}

function tensorOperator(operator: BinaryOperator, left: Operand, right: Operand, frame: Frame, span: Span): Value {
  const node = ({ value, from }: Operand): NodeId | undefined => tensorNode(value, frame, from.span, from);
  if (operator === '**' && right.value.kind === 'number') {
    const base = node(left);
    return base === undefined ? FAILED : power(base, right.value.value, frame, span);
  }
  const wrong = (takes: string, found: string): Value => {
    fail(frame, 'HYB3009', span, { operator: spelling(operator), takes }, { expected: takes, found });
    return FAILED;
  };
  const fits = ({ value }: Operand): boolean => value.kind === 'tensor' || value.kind === 'number';
  if (!fits(left) || !fits(right)) {
    return wrong('numbers or tensors', `${describe(left.value)} and ${describe(right.value)}`);
  }
  const [a, b] = [node(left), node(right)];
  if (a === undefined || b === undefined) return FAILED;
  const [first, second] = [isCondition(a, frame), isCondition(b, frame)];
  const logical = operator === 'and' || operator === 'or';
  if (first !== logical || second !== logical) {
    const name = (condition: boolean): string => (condition ? 'a comparison' : 'a number or tensor');
    return wrong(logical ? 'comparisons' : 'numbers or tensors', `${name(first)} and ${name(second)}`);
  }
  if (!broadcasts(a, b, frame, span)) return FAILED;
  const plain = (op: BinaryName, inputs: readonly NodeId[]): Value => addTensor(frame, op, inputs, {}, span);
  switch (operator) {
    case '+':
      return plain('add', [a, b]);
    case '-':
      return plain('sub', [a, b]);
    case '*':
      return plain('mul', [a, b]);
    case '/':
      return plain('div', [a, b]);
    case '**':
      return plain('pow', [a, b]);
    case '<':
      return plain('less', [a, b]);
    case '<=':
      return plain('less_equal', [a, b]);
    case '>':
      return plain('less', [b, a]);
    case '>=':
      return plain('less_equal', [b, a]);
    case '==':
      return plain('equal', [a, b]);
    case 'and':
      return plain('and', [a, b]);
    case 'or':
      return plain('or', [a, b]);
    case '!=': {
      const equal = addNode(frame, 'equal', [a, b], {}, span);
      return equal === undefined ? FAILED : addTensor(frame, 'not', [equal], {}, span);
    }
    case '//': {
      const quotient = addNode(frame, 'div', [a, b], {}, span);
      return quotient === undefined ? FAILED : addTensor(frame, 'floor', [quotient], {}, span);
    }
    case '%': {
      const quotient = addNode(frame, 'div', [a, b], {}, span);
      const whole = quotient === undefined ? undefined : addNode(frame, 'floor', [quotient], {}, span);
      const product = whole === undefined ? undefined : addNode(frame, 'mul', [whole, b], {}, span);
      return product === undefined ? FAILED : addTensor(frame, 'sub', [a, product], {}, span);
    }
  }
}

function isCondition(node: NodeId, frame: Frame): boolean {
  return nodeType(frame, node).dtype === 'bool';
}

/** Whether the two fit each other: a dimension that both have is of one size. Reports otherwise. */
export function broadcasts(a: NodeId, b: NodeId, frame: Frame, span: Span): boolean {
  const [left, right] = [nodeType(frame, a), nodeType(frame, b)];
  for (const one of left.dims) {
    const other = right.dims.find((d) => d.name === one.name);
    if (other === undefined || other.extent === one.extent) continue;
    const { unit } = frame;
    const sizes = {
      expected: describeSize(one.extent as number, unit),
      found: describeSize(other.extent as number, unit),
    };
    fail(frame, 'HYB3012', span, { name: one.name }, sizes);
    return false;
  }
  return true;
}

/** Small whole powers are products, and square roots have ops of their own. */
export function power(base: NodeId, exponent: number, frame: Frame, span: Span): Value {
  const value = (node: NodeId | undefined): Value =>
    node === undefined ? FAILED : { kind: 'tensor', tape: frame.tape, node };
  const add = (op: 'mul' | 'div', a: NodeId, b: NodeId): NodeId | undefined => addNode(frame, op, [a, b], {}, span);
  if (exponent === 1) return value(base);
  if (exponent === 0.5) return addTensor(frame, 'sqrt', [base], {}, span);
  if (exponent === -0.5) return addTensor(frame, 'rsqrt', [base], {}, span);
  if (exponent === -1) return value(add('div', frame.tape.builder.constant(1), base));
  if (Number.isInteger(exponent) && exponent >= 2 && exponent <= LARGEST_POWER) {
    return value(wholePower(base, exponent, frame, span));
  }
  return addTensor(frame, 'pow', [base, frame.tape.builder.constant(exponent)], {}, span);
}

function wholePower(base: NodeId, exponent: number, frame: Frame, span: Span): NodeId | undefined {
  if (exponent === 1) return base;
  const even = exponent % 2 === 0;
  const part = wholePower(base, even ? exponent / 2 : exponent - 1, frame, span);
  return part === undefined ? undefined : addNode(frame, 'mul', [part, even ? part : base], {}, span);
}
