/** Layer patterns: `[(M F)*3, M A F]` and `pattern("M-M*-", { … })` become lists of block names. */
import type { Call, Expression, Name, PatternItem, Span } from '@hyb/grammar';
import { listNames } from '../diagnostics/suggest.js';
import type { Environment } from './environment.js';
import { describeValue, evaluate } from './evaluate.js';
import type { EvaluationContext } from './evaluate.js';
import { report } from './messages/report.js';
import { printNumber } from './value.js';

/** More layers than any model has; a guard against slips in repetition counts. */
export const MAX_LAYERS = 100_000;

export interface PatternNames {
  /** Checks that a name is a block of the model; reports it otherwise. */
  check(name: Name): boolean;
}

/** Names of the blocks in order; undefined, with findings, where something is wrong. */
export function expandPattern(
  expression: Expression,
  names: PatternNames,
  environment: Environment,
  context: EvaluationContext,
): readonly string[] | undefined {
  const length = (layers: number): boolean => {
    if (layers >= 1 && layers <= MAX_LAYERS) return true;
    context.diagnostics.add(
      layers === 0
        ? report('HYB2032', expression.span, {})
        : report('HYB2031', expression.span, { count: printNumber(layers), limit: printNumber(MAX_LAYERS) }),
    );
    return false;
  };
  if (expression.kind === 'PatternExpression') {
    let valid = true;
    for (const item of expression.items) valid = checkItem(item, names, context) && valid;
    if (!valid || !length(countItems(expression.items))) return undefined;
    const result: string[] = [];
    for (const item of expression.items) appendItem(item, result);
    return result;
  }
  if (expression.kind === 'Call' && expression.callee.kind === 'Name' && expression.callee.text === 'pattern') {
    const result = expandString(expression, names, environment, context);
    return result !== undefined && length(result.length) ? result : undefined;
  }
  if (expression.kind !== 'ErrorExpression') context.diagnostics.add(report('HYB2036', expression.span, {}));
  return undefined;
}

function checkItem(item: PatternItem, names: PatternNames, context: EvaluationContext): boolean {
  switch (item.kind) {
    case 'Name':
      return names.check(item);
    case 'PatternGroup':
      return item.items.map((inner) => checkItem(inner, names, context)).every(Boolean);
    case 'PatternRepeat': {
      const { value, raw, span } = item.count;
      const whole = Number.isInteger(value) && value >= 1;
      // The parser has reported a count that is not whole.
      if (value < 1) context.diagnostics.add(report('HYB2033', span, { found: raw }));
      return checkItem(item.item, names, context) && whole;
    }
  }
}

function countItems(items: readonly PatternItem[]): number {
  return items.reduce((total, item) => total + countItem(item), 0);
}

function countItem(item: PatternItem): number {
  switch (item.kind) {
    case 'Name':
      return 1;
    case 'PatternGroup':
      return countItems(item.items);
    case 'PatternRepeat': {
      // An empty group repeated ever so often is no layer; Infinity * 0 would be NaN.
      const inner = countItem(item.item);
      return inner === 0 ? 0 : inner * item.count.value;
    }
  }
}

function appendItem(item: PatternItem, result: string[]): void {
  switch (item.kind) {
    case 'Name':
      result.push(item.text);
      return;
    case 'PatternGroup':
      for (const inner of item.items) appendItem(inner, result);
      return;
    case 'PatternRepeat': {
      if (countItem(item.item) === 0) return;
      for (let i = 0; i < item.count.value; i++) appendItem(item.item, result);
    }
  }
}

function expandString(
  call: Call,
  names: PatternNames,
  environment: Environment,
  context: EvaluationContext,
): readonly string[] | undefined {
  const [text, map, ...more] = call.arguments;
  if (text === undefined || map === undefined || more.length > 0 || map.value.kind !== 'MapExpression') {
    // An empty `{}` reads as a record and a broken argument has been reported.
    if (!call.arguments.some((argument) => argument.value.kind === 'ErrorExpression')) {
      context.diagnostics.add(report('HYB2036', call.span, {}));
    }
    return undefined;
  }
  const letters = new Map<string, string>();
  let valid = true;
  for (const { key, value } of map.value.entries) {
    const letter = key.kind === 'Name' ? key.text : key.value;
    if ([...letter].length !== 1) {
      valid = false;
      context.diagnostics.add(report('HYB2035', key.span, { key: letter }));
      continue;
    }
    if (letters.has(letter)) {
      valid = false;
      context.diagnostics.add(report('HYB2003', key.span, { field: letter }));
      continue;
    }
    if (value.kind !== 'Name') {
      valid = false;
      if (value.kind !== 'ErrorExpression') context.diagnostics.add(report('HYB2036', value.span, {}));
      letters.set(letter, '');
      continue;
    }
    valid = names.check(value) && valid;
    letters.set(letter, value.text);
  }
  const string = evaluate(text.value, environment, context);
  if (string === undefined) return undefined;
  if (string.kind !== 'string') {
    const values = { field: 'pattern', expected: 'a string', found: describeValue(string) };
    context.diagnostics.add(report('HYB2004', text.value.span, values));
    return undefined;
  }
  const result: string[] = [];
  const missing = new Set<string>();
  let offset = 0;
  for (const letter of string.value) {
    const name = letters.get(letter);
    if (name !== undefined) result.push(name);
    else if (!missing.has(letter)) {
      missing.add(letter);
      const span = letterSpan(text.value, string.value, offset, letter.length);
      const keys = listNames([...letters.keys()]);
      context.diagnostics.add(report('HYB2034', span, { letter }, { expected: keys, found: letter }));
    }
    offset += letter.length;
  }
  return valid && missing.size === 0 ? result : undefined;
}

/** The letter itself where the string is written without escapes, else the whole string. */
function letterSpan(written: Expression, value: string, offset: number, length: number): Span {
  const { span } = written;
  if (written.kind !== 'StringLiteral' || span.end - span.start !== value.length + 2) return span;
  return { file: span.file, start: span.start + 1 + offset, end: span.start + 1 + offset + length };
}
