/** Which argument of a call goes to which parameter, by place and by name. */
import type { Argument, Span } from '@hyb/grammar';
import { didYouMean, listNames } from '../../diagnostics/suggest.js';
import { fail } from './frame.js';
import type { Frame } from './frame.js';

export interface SignatureParameter {
  readonly name: string;
  readonly optional: boolean;
  /** Takes all remaining arguments by place. */
  readonly rest?: boolean;
  readonly span?: Span;
}

export interface Signature {
  readonly name: string;
  readonly parameters: readonly SignatureParameter[];
  readonly span?: Span;
}

export type BoundArguments = ReadonlyMap<string, readonly Argument[]>;

/**
 * @param given names of parameters that have values already (a partial application); places skip them
 * @returns the arguments, and the parameters that have none; undefined where an argument was wrong and reported
 */
export function bindArguments(
  signature: Signature,
  written: readonly Argument[],
  frame: Frame,
  given: ReadonlySet<string> = new Set(),
): { readonly bound: BoundArguments; readonly missing: readonly string[] } | undefined {
  const { name: callee, parameters } = signature;
  const bound = new Map<string, Argument[]>();
  const places = parameters.filter((p) => !given.has(p.name));
  const related =
    signature.span === undefined ? [] : [{ span: signature.span, message: `'${callee}' is declared here` }];
  let complete = true;
  let place = 0;
  let named: Argument | undefined;
  for (const argument of written) {
    let target: SignatureParameter | undefined;
    if (argument.name !== undefined) {
      named = argument;
      const { text, span } = argument.name;
      target = parameters.find((p) => p.name === text);
      if (target === undefined) {
        complete = false;
        const names = parameters.map((p) => p.name);
        const expected = names.length === 0 ? {} : { expected: listNames(names) };
        fail(
          frame,
          'HYB3004',
          span,
          { callee, name: text },
          { ...didYouMean(span, text, names), ...expected, related },
        );
        continue;
      }
    } else if (named !== undefined) {
      complete = false;
      fail(frame, 'HYB3005', argument.span, {});
      continue;
    } else {
      target = places[place];
      if (target?.rest !== true) place++;
      if (target === undefined) {
        complete = false;
        const expected = places.length === 1 ? '1 argument' : `${places.length} arguments`;
        fail(frame, 'HYB3003', argument.span, { callee, expected }, { expected, found: `${written.length}`, related });
        break;
      }
    }
    const earlier = bound.get(target.name);
    if (earlier === undefined) bound.set(target.name, [argument]);
    else if (target.rest === true && argument.name === undefined) earlier.push(argument);
    else {
      complete = false;
      fail(
        frame,
        'HYB3006',
        argument.span,
        { name: target.name },
        { related: [{ span: earlier[0]!.span, message: 'given here' }] },
      );
    }
  }
  if (!complete) return undefined;
  const missing = parameters.filter((p) => !p.optional && !bound.has(p.name) && !given.has(p.name));
  return { bound, missing: missing.map((p) => p.name) };
}

/** Reports arguments that a call lacks. */
export function reportMissing(signature: Signature, missing: readonly string[], span: Span, frame: Frame): void {
  const related =
    signature.span === undefined ? [] : [{ span: signature.span, message: `'${signature.name}' is declared here` }];
  fail(
    frame,
    'HYB3002',
    span,
    { callee: signature.name, missing: listNames(missing.map((m) => `'${m}'`)) },
    { related },
  );
}
