/** Values of a body's expressions. What is wrong is reported where it stands and becomes a `failed` value. */
import type { Conditional, Expression, IndexExpression, Member, Name } from '@hyb/grammar';
import { didYouMean } from '../../diagnostics/suggest.js';
import { builtins } from '../builtins/table.js';
import { call } from './call.js';
import { addTensor, fail, localNames, lookup, parameterNode } from './frame.js';
import type { Frame } from './frame.js';
import { printExpression } from './describe.js';
import { binaryOperator, unaryOperator } from './operators.js';
import { indexTensor, scan } from './scan.js';
import { reshape } from './shape.js';
import { FAILED, NONE, boolean, describe, elementsOf, float, integer, tuple } from './values.js';
import type { Value } from './values.js';

export function evaluate(expression: Expression, frame: Frame): Value {
  const value = evaluateUnnamed(expression, frame);
  // A generic check calls sizes by the expression that first gave them.
  if (value.kind === 'number' && value.integer) frame.unit.generic?.learn(value.value, printExpression(expression));
  frame.unit.observer?.value(expression, value, frame);
  return value;
}

function evaluateUnnamed(expression: Expression, frame: Frame): Value {
  const { span } = expression;
  switch (expression.kind) {
    case 'NumberLiteral': {
      const { value, raw, unit } = expression;
      if (unit !== undefined) {
        fail(frame, 'HYB3008', unit.span, { what: `The unit '${unit.text}'` });
        return FAILED;
      }
      const whole = !raw.includes('.') && Number.isSafeInteger(value);
      if (/^[\d_]+$/.test(raw) && !whole) {
        fail(frame, 'HYB3016', span, { what: raw });
        return FAILED;
      }
      return whole ? integer(value) : float(value);
    }
    case 'StringLiteral':
      return { kind: 'string', value: expression.value };
    case 'BooleanLiteral':
      return boolean(expression.value);
    case 'NoneLiteral':
      return NONE;
    case 'Name':
      return evaluateName(expression, frame);
    case 'Member':
      return member(expression, frame);
    case 'Call':
      return call(expression, frame);
    case 'IndexExpression':
      return index(expression, frame);
    case 'Unary':
      return unaryOperator(expression.operator, evaluate(expression.operand, frame), frame, span);
    case 'Binary': {
      const { operator } = expression;
      const left = evaluate(expression.left, frame);
      // The right side is not looked at where the left one decides, as in `cap == none or cap > 0`.
      if (left.kind === 'boolean' && operator === (left.value ? 'or' : 'and')) return left;
      return binaryOperator(expression, left, evaluate(expression.right, frame), frame);
    }
    case 'Conditional':
      return conditional(expression, frame);
    case 'Tuple':
      return tuple(expression.elements.map((element) => evaluate(element, frame)));
    case 'ScanExpression':
      return scan(expression, frame);
    case 'AsExpression':
      return reshape(evaluate(expression.value, frame), expression.shape, frame, span);
    case 'RecordExpression':
    case 'MapExpression':
    case 'PatternExpression':
    case 'Range':
    case 'Arrow':
    case 'Shared':
      fail(frame, 'HYB3008', span, { what: NOT_HERE[expression.kind] });
      return FAILED;
    case 'ErrorExpression':
      return FAILED;
  }
}

const NOT_HERE = {
  RecordExpression: 'A record { … }',
  MapExpression: 'A map { … : … }',
  PatternExpression: 'A pattern [ … ]',
  Range: 'A range',
  Arrow: 'An arrow',
  Shared: '`shared`',
} as const;

function evaluateName(name: Name, frame: Frame): Value {
  if (
    frame.owner === 'scan' &&
    frame.tape.kind === 'scan' &&
    name.text === frame.tape.index &&
    !frame.bindings.has(name.text)
  ) {
    fail(frame, 'HYB3060', name.span, { name: name.text });
    return FAILED;
  }
  const binding = lookup(frame, name.text);
  if (binding !== undefined) {
    switch (binding.kind) {
      case 'value':
        return binding.value;
      case 'dim':
        return binding.dim.extent === 'time' ? FAILED : integer(binding.dim.extent);
      case 'parameter':
        return parameterNode(binding.parameter, frame);
      case 'absent':
        fail(
          frame,
          'HYB3026',
          name.span,
          { name: name.text },
          { related: [{ span: binding.span, message: 'declared here' }] },
        );
        return FAILED;
    }
  }
  const declared = frame.scope.lookup(name.text);
  if (declared !== undefined) {
    switch (declared.kind) {
      case 'function':
        return {
          kind: 'function',
          callee: { declaration: declared.declaration, scope: declared.scope },
          arguments: {},
        };
      case 'block':
        // A norm without arguments: all have defaults, or the call complains.
        return call({ kind: 'Call', callee: name, arguments: [], span: name.span }, frame);
      case 'model':
      case 'train':
      case 'weights':
        fail(frame, 'HYB3008', name.span, { what: `The ${DECLARED[declared.kind]} '${name.text}'` });
        return FAILED;
    }
  }
  if (name.text === 'inf') return float(Infinity);
  if (name.text === 'pi') return float(Math.PI);
  if (name.text === 'time') {
    fail(
      frame,
      'HYB3007',
      name.span,
      { what: '`time`', expected: 'a value' },
      { expected: 'a value', found: 'a dimension' },
    );
    return FAILED;
  }
  const builtin = builtins().get(name.text);
  if (builtin !== undefined) return { kind: 'function', callee: { builtin: builtin.name }, arguments: {} };
  return unknownName(name, frame);
}

const DECLARED = { model: 'model', train: 'recipe', weights: 'weight map' } as const;

export function unknownName(name: Name, frame: Frame, candidates?: readonly string[]): Value {
  // A name that an import failed to find has been reported there.
  if (isBroken(frame, name.text)) return FAILED;
  const all = candidates ?? [...localNames(frame), ...frame.scope.names(), ...builtins().keys(), 'inf', 'pi'];
  fail(frame, 'HYB3001', name.span, { name: name.text }, didYouMean(name.span, name.text, all));
  return FAILED;
}

/** Whether an import failed to find the name, which has been reported. */
export function isBroken({ scope }: Frame, name: string): boolean {
  const { isBroken: test } = scope as { isBroken?: (name: string) => boolean };
  return test?.call(scope, name) === true;
}

function member({ object, name }: Member, frame: Frame): Value {
  const value = evaluate(object, frame);
  if (value.kind === 'failed') return FAILED;
  const parts: string[] = [];
  if (value.kind === 'module' && value.module.kind !== 'block') {
    const { module } = value;
    const gamma = module.kind === 'linear' ? module.gamma : undefined;
    for (const [part, parameter] of Object.entries({ weight: module.weight, bias: module.bias, gamma })) {
      if (parameter === undefined) continue;
      if (name.text === part) return parameterNode(parameter, frame);
      parts.push(part);
    }
  }
  fail(
    frame,
    'HYB3042',
    name.span,
    { what: capitalize(describe(value)), name: name.text },
    didYouMean(name.span, name.text, parts),
  );
  return FAILED;
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `a[t]`, `a[t - 1]` in a scan; elements of tuples by number. */
function index(expression: IndexExpression, frame: Frame): Value {
  const { object, indices, span } = expression;
  if (frame.tape.kind === 'scan') {
    const indexed = indexTensor(expression, frame);
    if (indexed !== undefined) return indexed;
  }
  const value = evaluate(object, frame);
  if (value.kind === 'failed') return FAILED;
  const elements = elementsOf(value);
  const position = indices.length === 1 && elements !== undefined ? evaluate(indices[0]!, frame) : undefined;
  if (position?.kind === 'failed') return FAILED;
  const found = position?.kind === 'number' ? elements![position.value] : undefined;
  if (found !== undefined) return found;
  if (value.kind === 'tensor') fail(frame, 'HYB3031', span, {});
  else {
    const text = indices.map((i) => printExpression(i)).join(', ');
    fail(frame, 'HYB3042', span, { what: capitalize(describe(value)), name: `[${text}]` });
  }
  return FAILED;
}

/** The condition is a compile-time value; only the branch that it chooses is computed. */
function conditional(expression: Conditional, frame: Frame): Value {
  const condition = evaluate(expression.condition, frame);
  if (condition.kind === 'failed') return FAILED;
  if (condition.kind === 'boolean') return evaluate(condition.value ? expression.then : expression.else, frame);
  if (condition.kind === 'tensor') fail(frame, 'HYB3014', expression.condition.span, {});
  else {
    fail(
      frame,
      'HYB3007',
      expression.condition.span,
      { what: 'The condition', expected: 'true or false' },
      { expected: 'true or false', found: describe(condition) },
    );
  }
  return FAILED;
}

/** A tensor under a name: `let` names a node that has none yet. */
export function labelled(value: Value, frame: Frame, label: string): Value {
  if (value.kind !== 'tensor' || value.tape !== frame.tape) return value;
  const node = frame.tape.builder.nodeOf(value.node);
  if (node.op === 'input' || node.op === 'parameter' || node.op === 'scan_state' || node.op === 'scan_input')
    return value;
  return addTensor(frame, node.op, node.inputs, node.attributes as never, EMPTY_SPAN, label);
}

const EMPTY_SPAN = { file: '', start: 0, end: 0 };
