/** Reading the arguments of a built-in call; what does not fit is reported, and the reader returns undefined. */
import type { Span } from '@hyb/grammar';
import { describeSize, printExpression } from '../elaborate/describe.js';
import { evaluate } from '../elaborate/expression.js';
import { fail, nodeType } from '../elaborate/frame.js';
import { tensorNode } from '../elaborate/operators.js';
import { dimOf, resolveDim } from '../elaborate/shape.js';
import { describe, isConstant } from '../elaborate/values.js';
import type { SizedDim, Value } from '../elaborate/values.js';
import type { NodeId } from '../../graph/graph.js';
import type { Dim } from '../../graph/types.js';
import type { Constant, FunctionValue } from '../../model/model.js';
import { listNames } from '../../diagnostics/suggest.js';
import { applyBuiltin } from './apply.js';
import type { BuiltinCall, GivenArgument } from './builtin.js';

export function given(call: BuiltinCall, name: string): GivenArgument | undefined {
  return call.arguments.get(name)?.[0];
}

export function spanOf(call: BuiltinCall, name: string): Span {
  return given(call, name)?.span ?? call.span;
}

function valueOf(argument: GivenArgument, call: BuiltinCall): Value {
  return argument.constant ?? evaluate(argument.expression!, call.frame);
}

function wrong(call: BuiltinCall, name: string, span: Span, expected: string, value: Value): undefined {
  if (value.kind === 'failed') return undefined;
  const what = `'${name}' of '${call.builtin.name}'`;
  return fail(call.frame, 'HYB3007', span, { what, expected }, { expected, found: describe(value) });
}

/** A tensor, or a number as a tensor without dimensions. */
export function readTensor(call: BuiltinCall, name: string): NodeId | undefined {
  const argument = given(call, name)!;
  return tensorNode(valueOf(argument, call), call.frame, argument.span, argument.expression);
}

export function readTensors(call: BuiltinCall, name: string): readonly NodeId[] | undefined {
  const nodes = (call.arguments.get(name) ?? []).map((a) =>
    tensorNode(valueOf(a, call), call.frame, a.span, a.expression),
  );
  const complete = nodes.flatMap((n) => (n === undefined ? [] : [n]));
  return complete.length === nodes.length ? complete : undefined;
}

/** The constant given, or the default; undefined where neither is or something else stands there. */
export function readConstant(call: BuiltinCall, name: string, expected: string): Constant | undefined {
  const argument = given(call, name);
  const fallback = call.builtin.parameters.find((p) => p.name === name)?.default;
  if (argument === undefined) return fallback;
  const value = valueOf(argument, call);
  if (value.kind === 'tensor') {
    fail(call.frame, 'HYB3063', argument.span, { name, callee: call.builtin.name }, { expected, found: 'a tensor' });
    return undefined;
  }
  return isConstant(value) ? value : wrong(call, name, argument.span, expected, value);
}

/** A number; `none` where that is allowed and given. */
export function readNumber(call: BuiltinCall, name: string): number | 'none' | undefined {
  const parameter = call.builtin.parameters.find((p) => p.name === name);
  const whole = parameter?.kind === 'int';
  const expected = whole ? 'a whole number' : 'a number';
  const value = readConstant(call, name, expected);
  if (value === undefined) return undefined;
  if (value.kind === 'none' && parameter?.default?.kind === 'none') return 'none';
  if (value.kind === 'number' && (!whole || Number.isSafeInteger(value.value))) return value.value;
  return wrong(call, name, spanOf(call, name), expected, value);
}

/** A pair of numbers; `none` where that is allowed and given. */
export function readPair(call: BuiltinCall, name: string): readonly [number, number] | 'none' | undefined {
  const expected = 'a pair of numbers';
  const value = readConstant(call, name, expected);
  if (value === undefined) return undefined;
  if (value.kind === 'none') return 'none';
  if (value.kind === 'tuple' && value.elements.length === 2) {
    const [a, b] = value.elements as readonly [Constant, Constant];
    if (a.kind === 'number' && b.kind === 'number') return [a.value, b.value];
  }
  return wrong(call, name, spanOf(call, name), expected, value);
}

/** A string out of the parameter's choices. */
export function readChoice(call: BuiltinCall, name: string): string | undefined {
  const choices = call.builtin.parameters.find((p) => p.name === name)?.choices ?? [];
  const expected = choices.map((c) => `"${c}"`).join(' or ');
  const value = readConstant(call, name, expected);
  if (value === undefined) return undefined;
  if (value.kind === 'string' && choices.includes(value.value)) return value.value;
  return wrong(call, name, spanOf(call, name), expected, value);
}

/** A function out of those that the parameter may be, with its arguments, or `none`. */
export function readFunction(call: BuiltinCall, name: string): FunctionValue | 'none' | undefined {
  const choices = call.builtin.parameters.find((p) => p.name === name)?.of ?? [];
  const expected = listNames(choices.map((c) => c.name));
  const expression = given(call, name)?.expression;
  const callee = expression?.kind === 'Call' ? expression.callee : expression;
  const chosen = callee?.kind === 'Name' ? choices.find((c) => c.name === callee.text) : undefined;
  let value: Value | undefined;
  if (chosen === undefined || expression === undefined) value = readConstant(call, name, expected);
  else {
    const bare: FunctionValue = { kind: 'function', callee: { builtin: chosen.name }, arguments: {} };
    const written = expression.kind === 'Call' ? expression.arguments : [];
    value = applyBuiltin(chosen, bare, written, call.frame, expression.span);
  }
  if (value === undefined || value.kind === 'failed') return undefined;
  if (value.kind === 'none') return 'none';
  if (value.kind === 'function' && 'builtin' in value.callee) {
    const { builtin } = value.callee;
    if (choices.some((c) => c.name === builtin)) return value;
  }
  return wrong(call, name, spanOf(call, name), expected, value);
}

/** Dimensions of a tensor, by name. Reducing over time would look into the future. */
export function readDimsOf(call: BuiltinCall, name: string, tensor: NodeId): readonly Dim[] | undefined {
  const { dims } = nodeType(call.frame, tensor);
  const read: Dim[] = [];
  for (const { expression, span } of call.arguments.get(name) ?? []) {
    if (expression === undefined) return undefined;
    const found = dimOf(expression, dims, call.frame);
    if (found === undefined) return undefined;
    if (found.extent === 'time') return fail(call.frame, 'HYB3061', span, { callee: call.builtin.name });
    if (read.some((d) => d.name === found.name)) return fail(call.frame, 'HYB3006', span, { name: found.name });
    read.push(found);
  }
  return read;
}

/** Dimensions to make: each part is one or several. */
export function readParts(call: BuiltinCall, name: string): readonly (readonly SizedDim[])[] | undefined {
  const parts: (readonly SizedDim[])[] = [];
  let complete = true;
  for (const { expression } of call.arguments.get(name) ?? []) {
    if (expression === undefined) return undefined;
    const elements = expression.kind === 'Tuple' ? expression.elements : [expression];
    const dims = elements.map((e) => resolveDim(e, call.frame));
    for (const [i, d] of dims.entries()) {
      if (d?.extent !== 'time') continue;
      fail(call.frame, 'HYB3023', elements[i]!.span, {});
      complete = false;
    }
    const known = dims.flatMap((d) => (d === undefined ? [] : [d]));
    if (known.length < dims.length || known.length === 0) complete = false;
    parts.push(known);
  }
  return complete ? parts : undefined;
}

export function readDim(call: BuiltinCall, name: string): SizedDim | undefined {
  const argument = given(call, name)!;
  return argument.expression === undefined ? undefined : resolveDim(argument.expression, call.frame);
}

/** `old -> new` pairs of a tensor's dimensions. A new name without a size takes that of the old one. */
export function readRenamings(
  call: BuiltinCall,
  name: string,
  tensor: NodeId,
): Readonly<Record<string, string>> | undefined {
  const { dims } = nodeType(call.frame, tensor);
  const names: Record<string, string> = {};
  for (const { expression, span } of call.arguments.get(name) ?? []) {
    if (expression?.kind !== 'Arrow' || expression.to.kind !== 'Name') {
      if (expression !== undefined && expression.kind !== 'ErrorExpression') {
        const expected = 'old -> new';
        fail(
          call.frame,
          'HYB3007',
          span,
          { what: "An argument of 'rename'", expected },
          { expected, found: printExpression(expression) },
        );
      }
      return undefined;
    }
    const from = dimOf(expression.from, dims, call.frame);
    if (from === undefined) return undefined;
    const to = newName(expression.to, from, call);
    if (to === undefined) return undefined;
    if (from.extent === 'time' || to === 'time') return fail(call.frame, 'HYB3023', span, {});
    names[from.name] = to;
  }
  return names;
}

function newName(
  name: { readonly text: string; readonly span: Span },
  from: Dim,
  call: BuiltinCall,
): string | undefined {
  const bound = call.frame.bindings.get(name.text) ?? call.frame.parent?.bindings.get(name.text);
  if (bound?.kind !== 'dim') return name.text;
  if (bound.dim.extent === from.extent) return bound.dim.name;
  return fail(
    call.frame,
    'HYB3012',
    name.span,
    { name: name.text },
    {
      expected: describeSize(bound.dim.extent as number, call.frame.unit),
      found: describeSize(from.extent as number, call.frame.unit),
    },
  );
}
