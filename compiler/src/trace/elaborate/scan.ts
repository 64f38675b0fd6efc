/** `scan`: a recurrence over time. Its body is a graph of its own, of one token's values. */
import type {
  AssignStatement,
  Expression,
  IndexExpression,
  Name,
  ScanExpression,
  ScanState,
  YieldStatement,
} from '@hyb/grammar';
import { didYouMean } from '../../diagnostics/suggest.js';
import { createBodyBuilder } from '../../graph/body-builder.js';
import type { NodeId } from '../../graph/graph.js';
import { hasTime, tensor } from '../../graph/types.js';
import type { Dim, TensorType } from '../../graph/types.js';
import { inNorm } from './call.js';
import { describeDims } from './describe.js';
import { evaluate } from './expression.js';
import { addNode, addTensor, bind, fail, nodeType } from './frame.js';
import type { Frame } from './frame.js';
import { tensorNode } from './operators.js';
import { plainDim, resolveShape, sameNames } from './shape.js';
import { elaborateStatement } from './statement.js';
import { readOuter } from './tape.js';
import type { ScanTape } from './tape.js';
import { FAILED, describe, typeOf } from './values.js';
import type { Value } from './values.js';

interface State {
  readonly name: Name;
  readonly type: TensorType;
  readonly initial: NodeId;
}

export function scan(expression: ScanExpression, frame: Frame): Value {
  const { tape } = frame;
  if (tape.kind === 'scan') {
    fail(frame, 'HYB3050', expression.span, {}, { related: [{ span: tape.span, message: 'the outer scan' }] });
    return FAILED;
  }
  if (expression.over.text !== 'time') {
    const fixes = [{ title: 'Write `time`', edits: [{ span: expression.over.span, text: 'time' }] }];
    fail(
      frame,
      'HYB3051',
      expression.over.span,
      { name: expression.over.text },
      { expected: 'time', found: expression.over.text, fixes },
    );
    return FAILED;
  }
  const declared = expression.states.map((state) => declareState(state, frame));
  const types = declared.map((state) => state?.type ?? tensor([]));
  const outerTypes: TensorType[] = [];
  const inner: ScanTape = {
    kind: 'scan',
    builder: createBodyBuilder(types, outerTypes),
    outer: tape,
    index: expression.index.text,
    span: expression.span,
    outers: [],
    outerTypes,
  };
  const body: Frame = {
    ...frame,
    owner: 'scan',
    tape: inner,
    parent: frame,
    bindings: new Map(),
    place: { name: 'result', used: new Map() },
  };
  expression.states.forEach((state, i) => {
    const value: Value =
      declared[i] === undefined
        ? FAILED
        : { kind: 'tensor', tape: inner, node: inner.builder.state(i, state.name.text) };
    bind(body, state.name, { kind: 'value', value, span: state.name.span });
  });
  const run = elaborateScanBody(expression, declared, body);
  if (run === undefined || declared.includes(undefined)) return FAILED;
  return finish(expression, declared as readonly State[], run, inner, frame);
}

function declareState({ name, shape, initial }: ScanState, frame: Frame): State | undefined {
  const dims = resolveShape(shape, frame);
  const value = evaluate(initial, frame);
  const node = tensorNode(value, frame, initial.span);
  if (dims === undefined || node === undefined) return undefined;
  const type = tensor(dims.map(plainDim));
  if (hasTime(type)) return fail(frame, 'HYB3052', shape.span, { name: name.text });
  const from = nodeType(frame, node);
  const fits = from.dims.every((d) => dims.some((s) => s.name === d.name && s.extent === d.extent));
  if (!fits) {
    return fail(
      frame,
      'HYB3010',
      initial.span,
      { what: `The initial value of '${name.text}'` },
      {
        expected: describeDims(dims, frame.unit),
        found: describeDims(from.dims, frame.unit),
        related: [{ span: shape.span, message: 'declared here' }],
      },
    );
  }
  return { name, type, initial: node };
}

interface Run {
  readonly next: readonly NodeId[];
  readonly yields: NodeId;
}

function elaborateScanBody(
  expression: ScanExpression,
  states: readonly (State | undefined)[],
  body: Frame,
): Run | undefined {
  const next = new Map<string, NodeId>();
  let yields: NodeId | undefined;
  let first: YieldStatement | undefined;
  let complete = true;
  for (const statement of expression.body) {
    switch (statement.kind) {
      case 'AssignStatement': {
        const node = assign(statement, expression, states, body);
        if (node === undefined) complete = false;
        else next.set(statement.name.text, node);
        break;
      }
      case 'YieldStatement': {
        const value = evaluate(statement.value, body);
        const node = tensorNode(value, body, statement.value.span);
        if (node === undefined) complete = false;
        if (first === undefined) [first, yields] = [statement, node];
        else {
          fail(body, 'HYB3053', statement.span, {}, { related: [{ span: first.span, message: 'the first one' }] });
          complete = false;
        }
        break;
      }
      case 'ReturnStatement':
        fail(body, 'HYB3029', statement.span, { what: '`return`', where: 'a scan' });
        complete = false;
        break;
      default:
        elaborateStatement(statement, body);
    }
  }
  if (first === undefined) fail(body, 'HYB3054', expression.span, {});
  for (const { name } of expression.states) {
    const assigned = expression.body.some((s) => s.kind === 'AssignStatement' && s.name.text === name.text);
    if (!assigned) {
      fail(body, 'HYB3055', name.span, { name: name.text });
      complete = false;
    }
  }
  if (!complete || yields === undefined) return undefined;
  return { next: expression.states.map(({ name }) => next.get(name.text)!), yields };
}

/** `h = …`: from here on `h` is the next value. */
function assign(
  { name, value: expression, span }: AssignStatement,
  { states: written }: ScanExpression,
  states: readonly (State | undefined)[],
  body: Frame,
): NodeId | undefined {
  const value = evaluate(expression, body);
  const index = written.findIndex((state) => state.name.text === name.text);
  if (index < 0) {
    const names = written.map((state) => state.name.text);
    return fail(body, 'HYB3056', name.span, { name: name.text }, didYouMean(name.span, name.text, names));
  }
  const state = states[index];
  const node = tensorNode(value, body, expression.span);
  const fitting = node === undefined || state === undefined ? undefined : fitState(node, state, body, expression);
  const rounded =
    fitting === undefined
      ? undefined
      : body.unit.rounder.round(body, fitting, { role: 'state', member: name.text, ...inNorm(body) });
  const result: Value = rounded === undefined ? FAILED : { kind: 'tensor', tape: body.tape, node: rounded };
  body.bindings.set(name.text, { kind: 'value', value: result, span });
  return rounded;
}

/** A next value in the state's dimensions: repeated along ones it lacks, in the state's order. */
function fitState(node: NodeId, { name, type }: State, body: Frame, expression: Expression): NodeId | undefined {
  const { dims } = nodeType(body, node);
  const fits = dims.every((d) => type.dims.some((s) => s.name === d.name && s.extent === d.extent));
  if (!fits) {
    return fail(
      body,
      'HYB3010',
      expression.span,
      { what: `The next value of '${name.text}'` },
      {
        expected: describeDims(type.dims, body.unit),
        found: describeDims(dims, body.unit),
        related: [{ span: name.span, message: 'declared here' }],
      },
    );
  }
  if (dims.length < type.dims.length) return addNode(body, 'broadcast', [node], { dims: type.dims }, expression.span);
  return inOrder(node, dims, type.dims, body, expression);
}

function inOrder(
  node: NodeId,
  dims: readonly Dim[],
  wanted: readonly Dim[],
  frame: Frame,
  { span }: Expression,
): NodeId | undefined {
  if (!sameNames(dims, wanted) || dims.every((d, i) => d.name === wanted[i]!.name)) return node;
  return addNode(frame, 'transpose', [node], { order: wanted.map((d) => d.name) }, span);
}

function finish(
  expression: ScanExpression,
  states: readonly State[],
  { next, yields }: Run,
  tape: ScanTape,
  frame: Frame,
): Value {
  const body = tape.builder.finishBody(next, yields);
  const inputs = [...states.map((state) => state.initial), ...tape.outers];
  const result = addTensor(frame, 'scan', inputs, { body }, expression.span);
  if (result.kind !== 'tensor') return FAILED;
  return { ...result, node: frame.unit.rounder.round(frame, result.node, { role: 'activations', ...inNorm(frame) }) };
}

/**
 * `a[t]`, `a[t - 1]` inside a scan: a value of the layer outside, at this token or an earlier one. Undefined where the
 * index has nothing to do with time, as in a tuple's.
 */
export function indexTensor({ object, indices, span }: IndexExpression, frame: Frame): Value | undefined {
  const tape = frame.tape as ScanTape;
  const outside = scanParent(frame);
  const [index] = indices;
  const offset = indices.length === 1 && index !== undefined ? tokensBack(index, tape.index, frame) : undefined;
  if (offset === undefined || outside === undefined) return undefined;
  if (offset === FAILED_INDEX) return FAILED;
  if (object.kind === 'Name' && frame.bindings.has(object.text)) {
    fail(frame, 'HYB3057', span, { name: object.text });
    return FAILED;
  }
  const value = evaluate(object, outside);
  if (value.kind === 'failed') return FAILED;
  if (value.kind !== 'tensor' || !hasTime(typeOf(value))) {
    const found = value.kind === 'tensor' ? describeDims(typeOf(value).dims, frame.unit) : describe(value);
    fail(frame, 'HYB3058', object.span, {}, { expected: 'a tensor over time', found });
    return FAILED;
  }
  if (offset < 0) {
    fail(frame, 'HYB3059', span, { index: tape.index }, { expected: `${tape.index} or ${tape.index} - 1, …` });
    return FAILED;
  }
  return { kind: 'tensor', tape, node: readOuter(tape, value.node, offset) };
}

const FAILED_INDEX = Symbol('failed');

/** The frame around the scan: values that are indexed are the layer's. */
function scanParent(frame: Frame): Frame | undefined {
  return frame.owner === 'scan' ? frame.parent : undefined;
}

/** 1 for `t - 1`; undefined where the index does not speak of `t`. */
function tokensBack(index: Expression, name: string, frame: Frame): number | typeof FAILED_INDEX | undefined {
  if (index.kind === 'Name') return index.text === name ? 0 : undefined;
  if (index.kind !== 'Binary' || index.left.kind !== 'Name' || index.left.text !== name) return undefined;
  if (index.operator !== '-' && index.operator !== '+') return undefined;
  const value = evaluate(index.right, frame);
  if (value.kind === 'failed') return FAILED_INDEX;
  if (value.kind === 'number' && Number.isSafeInteger(value.value)) {
    return index.operator === '-' ? value.value : 0 - value.value;
  }
  fail(
    frame,
    'HYB3007',
    index.right.span,
    { what: 'The distance', expected: 'a whole number' },
    { expected: 'a whole number', found: describe(value) },
  );
  return FAILED_INDEX;
}
