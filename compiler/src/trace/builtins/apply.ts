import type { Argument, Span } from '@hyb/grammar';
import type { Constant, FunctionValue } from '../../model/model.js';
import { bindArguments, reportMissing } from '../elaborate/arguments.js';
import { evaluate } from '../elaborate/expression.js';
import { fail } from '../elaborate/frame.js';
import type { Frame } from '../elaborate/frame.js';
import { FAILED, describe, isConstant } from '../elaborate/values.js';
import type { Value } from '../elaborate/values.js';
import type { Builtin, GivenArgument } from './builtin.js';

/** Applies a built-in function; with only named constants and something missing, gives them to it for later. */
export function applyBuiltin(
  builtin: Builtin,
  callee: FunctionValue,
  written: readonly Argument[],
  frame: Frame,
  span: Span,
): Value {
  const signature = {
    name: builtin.name,
    parameters: builtin.parameters.map(({ name, default: fallback, rest }) => ({
      name,
      optional: fallback !== undefined,
      ...(rest === true && { rest }),
    })),
  };
  const before = Object.entries(callee.arguments);
  // Resolve gives every option its default, which a call may still replace: only places pass them over.
  const bound = bindArguments(signature, written, frame, new Set(before.map(([name]) => name)));
  if (bound === undefined) return FAILED;
  const named = written.every((argument) => argument.name !== undefined);
  if (builtin.apply === undefined || (bound.missing.length > 0 && named && written.length > 0)) {
    if (builtin.apply === undefined && bound.missing.length > 0) {
      reportMissing(signature, bound.missing, span, frame);
      return FAILED;
    }
    return later(builtin, callee, bound.bound, frame);
  }
  if (bound.missing.length > 0) {
    reportMissing(signature, bound.missing, span, frame);
    return FAILED;
  }
  const given = new Map<string, readonly GivenArgument[]>();
  for (const [name, constant] of before) given.set(name, [{ span, constant }]);
  for (const [name, all] of bound.bound) {
    given.set(
      name,
      all.map(({ value }) => ({ span: value.span, expression: value })),
    );
  }
  return builtin.apply({ builtin, frame, span, arguments: given, written });
}

function later(
  builtin: Builtin,
  callee: FunctionValue,
  bound: ReadonlyMap<string, readonly Argument[]>,
  frame: Frame,
): Value {
  const constants: Record<string, Constant> = { ...callee.arguments };
  let complete = true;
  for (const [name, [argument]] of bound) {
    const value = evaluate(argument!.value, frame);
    if (isConstant(value)) constants[name] = value;
    else {
      complete = false;
      if (value.kind !== 'failed') {
        const what = `'${name}' of '${builtin.name}'`;
        const expected = 'a compile-time value';
        fail(frame, 'HYB3007', argument!.value.span, { what, expected }, { expected, found: describe(value) });
      }
    }
  }
  if (!complete) return FAILED;
  for (const { name, default: fallback } of builtin.parameters) {
    if (fallback !== undefined && constants[name] === undefined) constants[name] = fallback;
  }
  return { ...callee, arguments: constants };
}
