/** `@init(…)` and `= …` of parameters. */
import type { Argument, Call, Expression, Name } from '@hyb/grammar';
import { didYouMean, listNames } from '../../diagnostics/suggest.js';
import type { Initializer } from '../../graph/graph.js';
import { INITIALIZERS } from '../builtins/initializers.js';
import { bindArguments, reportMissing } from './arguments.js';
import { evaluate } from './expression.js';
import { fail, lookup } from './frame.js';
import type { Frame } from './frame.js';
import { describe } from './values.js';

/** Standard deviation of weights where nothing is said; that of Hugging Face configurations. */
export const DEFAULT_STD = 0.02;

/** An initializer, or a number: all elements are that. Undefined, with a finding, for anything else. */
export function initializer(expression: Expression, frame: Frame): Initializer | undefined {
  if (expression.kind === 'ErrorExpression') return undefined;
  const callee = expression.kind === 'Call' ? expression.callee : expression;
  if (callee.kind === 'Name' && lookup(frame, callee.text) === undefined) {
    const { text } = callee;
    if (Object.hasOwn(INITIALIZERS, text)) {
      return applied(
        text as keyof typeof INITIALIZERS,
        callee,
        expression.kind === 'Call' ? expression : undefined,
        frame,
      );
    }
    if (text !== 'inf' && text !== 'pi') {
      const known = Object.keys(INITIALIZERS);
      return fail(
        frame,
        'HYB3038',
        callee.span,
        { name: text },
        { ...didYouMean(callee.span, text, known), expected: listNames(known) },
      );
    }
  }
  const value = evaluate(expression, frame);
  if (value.kind === 'failed') return undefined;
  if (value.kind === 'number' && Number.isFinite(value.value)) return { kind: 'constant', value: value.value };
  const expected = 'a number or an initializer';
  return fail(
    frame,
    'HYB3007',
    expression.span,
    { what: 'The initial value', expected },
    { expected, found: describe(value) },
  );
}

function applied(
  name: keyof typeof INITIALIZERS,
  callee: Name,
  call: Call | undefined,
  frame: Frame,
): Initializer | undefined {
  const { parameters, make } = INITIALIZERS[name];
  const signature = {
    name,
    parameters: parameters.map((p) => ({ name: p.name, optional: p.default !== undefined })),
  };
  const span = call?.span ?? callee.span;
  const bound = bindArguments(signature, call?.arguments ?? [], frame);
  if (bound === undefined) return undefined;
  if (bound.missing.length > 0) {
    reportMissing(signature, bound.missing, span, frame);
    return undefined;
  }
  const numbers: Record<string, number> = {};
  let of: Initializer | undefined;
  let complete = true;
  for (const parameter of parameters) {
    const [argument]: readonly (Argument | undefined)[] = bound.bound.get(parameter.name) ?? [];
    if (parameter.kind === 'initializer') {
      of = argument === undefined ? undefined : initializer(argument.value, frame);
      if (of === undefined) complete = false;
      continue;
    }
    if (argument === undefined) {
      numbers[parameter.name] = parameter.default!;
      continue;
    }
    const value = evaluate(argument.value, frame);
    if (value.kind === 'number' && Number.isFinite(value.value)) numbers[parameter.name] = value.value;
    else {
      complete = false;
      if (value.kind !== 'failed') {
        const what = `'${parameter.name}' of '${name}'`;
        fail(
          frame,
          'HYB3007',
          argument.value.span,
          { what, expected: 'a number' },
          { expected: 'a number', found: describe(value) },
        );
      }
    }
  }
  if (!complete) return undefined;
  const made = make(numbers, of);
  if (typeof made !== 'string') return made;
  return fail(frame, 'HYB3045', span, { name, reason: made });
}
