/** Matching arguments to parameters, by name and by position. */
import type { Argument, Span } from '@hyb/grammar';
import { didYouMean, listNames } from '../diagnostics/suggest.js';
import type { Environment } from './environment.js';
import type { EvaluationContext } from './evaluate.js';
import { report } from './messages/report.js';
import type { Constant } from '../model/model.js';
import { kindOf } from './value.js';
import type { Kind, Value } from './value.js';
import { describeValue } from './evaluate.js';

/** An argument with the environment in which its value is to be evaluated. */
export interface GivenArgument extends Argument {
  readonly environment: Environment;
}

export interface SignatureParameter {
  readonly name: string;
  readonly optional: boolean;
  /** Where the parameter is declared; built-in ones have no place. */
  readonly place?: Span;
}

export interface Signature {
  /** How messages call it: `Attention`, `AdamW`. */
  readonly callee: string;
  readonly parameters: readonly SignatureParameter[];
  readonly place?: Span;
}

/** Which argument each parameter gets. Wrong arguments are reported and left out; `complete` says that none was. */
export interface Bound {
  readonly arguments: ReadonlyMap<string, GivenArgument>;
  readonly complete: boolean;
}

/**
 * Matches arguments to parameters. With `overrides` (`with { A.cap = 50 }`) an argument replaces what the call says, and
 * may stand for one that the call lacks.
 */
export function bindArguments(
  signature: Signature,
  given: readonly GivenArgument[],
  call: Span,
  context: EvaluationContext,
  overrides: ReadonlyMap<string, GivenArgument> = new Map(),
): Bound {
  const { callee, parameters } = signature;
  const bound = new Map<string, GivenArgument>();
  const places = new Map<string, Span>();
  let complete = true;
  let named = false;
  const wrong = (diagnostic: ReturnType<typeof report>): void => {
    complete = false;
    context.diagnostics.add(diagnostic);
  };
  const declared =
    signature.place === undefined ? [] : [{ span: signature.place, message: `${callee} is declared here` }];
  for (const [position, argument] of given.entries()) {
    let name: string;
    if (argument.name !== undefined) {
      named = true;
      name = argument.name.text;
      if (!parameters.some((parameter) => parameter.name === name)) {
        const candidates = parameters.map((parameter) => parameter.name).filter((candidate) => !bound.has(candidate));
        wrong(
          report(
            'HYB2010',
            argument.name.span,
            { callee, name },
            {
              ...didYouMean(argument.name.span, name, candidates),
              ...(parameters.length === 0
                ? {}
                : { expected: listNames(parameters.map((parameter) => parameter.name)), found: name }),
              related: declared,
            },
          ),
        );
        continue;
      }
    } else if (named) {
      wrong(report('HYB2015', argument.span, {}));
      continue;
    } else if (position >= parameters.length) {
      wrong(report('HYB2014', argument.span, { callee, count: parameters.length }, { related: declared }));
      continue;
    } else {
      name = parameters[position]!.name;
    }
    const earlier = places.get(name);
    if (earlier !== undefined) {
      wrong(report('HYB2012', argument.span, { name }, { related: [{ span: earlier, message: 'given here' }] }));
      continue;
    }
    places.set(name, argument.span);
    bound.set(name, argument);
  }
  for (const [name, argument] of overrides) bound.set(name, argument);
  // With an argument that could not be matched, the missing one is most likely the one that was meant.
  const misspelt = !complete;
  for (const { name, optional, place } of parameters) {
    if (optional || bound.has(name)) continue;
    complete = false;
    if (misspelt) continue;
    const related = place === undefined ? [] : [{ span: place, message: 'declared here' }];
    context.diagnostics.add(report('HYB2011', call, { callee, name }, { related }));
  }
  return { arguments: bound, complete };
}

/**
 * The value as a parameter of the given kind takes it: whole numbers become floats, and `none` is allowed where it is
 * the default. Undefined, with a finding, where the kind is another.
 */
export function coerce(
  value: Value,
  kind: Kind | undefined,
  allowsNone: boolean,
  place: { readonly span: Span; readonly name: string; readonly callee: string; readonly declared?: Span },
  context: EvaluationContext,
): Constant | undefined {
  if (value.kind === 'none' && allowsNone) return value;
  if (value.kind !== 'quantity' && value.kind !== 'block') {
    const found = kindOf(value);
    if (kind === undefined || found === kind) return value;
    if (kind === 'float' && value.kind === 'number') return { ...value, integer: false };
  }
  const expected = kind === undefined ? 'a value' : KIND_NAMES[kind];
  const details = {
    expected: kind ?? 'a value',
    found: kindOf(value),
    related: place.declared === undefined ? [] : [{ span: place.declared, message: 'declared here' }],
  };
  const { name, callee } = place;
  context.diagnostics.add(
    report('HYB2013', place.span, { name, callee, expected, found: describeValue(value) }, details),
  );
  return undefined;
}

export const KIND_NAMES: Readonly<Record<Kind, string>> = {
  int: 'a whole number',
  float: 'a number',
  bool: 'true or false',
  string: 'a string',
  tuple: 'a tuple',
  fn: 'a function',
  norm: 'a norm',
  none: 'none',
  block: 'a block',
  bytes: 'a number of bytes',
  steps: 'a number of steps',
  tokens: 'a number of tokens',
  sequences: 'a number of sequences',
  seconds: 'a duration',
};
