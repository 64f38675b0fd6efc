/** Initialisations as values: `normal(0.02)`, `log(uniform(1, 16))`. The names are those of `@init` in blocks. */
import type { Expression } from '@hyb/grammar';
import { didYouMean, listNames } from '../diagnostics/suggest.js';
import type { Initializer } from '../graph/graph.js';
import type { Environment } from '../resolve/environment.js';
import { describeValue, evaluate } from '../resolve/evaluate.js';
import { report } from '../resolve/messages/report.js';
import { reportTrain } from './messages.js';
import type { ReadContext } from './read.js';

interface Distribution {
  readonly parameters: readonly string[];
  readonly optional?: readonly string[];
  readonly make: (values: Readonly<Record<string, number>>) => Initializer | undefined;
}

const DISTRIBUTIONS: Readonly<Record<string, Distribution>> = {
  constant: { parameters: ['value'], make: ({ value }) => ({ kind: 'constant', value: value! }) },
  normal: { parameters: ['std'], make: ({ std }) => (std! > 0 ? { kind: 'normal', std: std! } : undefined) },
  uniform: {
    parameters: ['low', 'high'],
    make: ({ low, high }) => (low! < high! ? { kind: 'uniform', low: low!, high: high! } : undefined),
  },
  log_uniform: {
    parameters: ['low', 'high', 'floor'],
    optional: ['floor'],
    make: ({ low, high, floor }) =>
      low! > 0 && low! < high!
        ? { kind: 'log_uniform', low: low!, high: high!, ...(floor === undefined ? {} : { floor }) }
        : undefined,
  },
  output: { parameters: ['std'], make: ({ std }) => (std! > 0 ? { kind: 'output', std: std! } : undefined) },
};
const FUNCTIONS = ['log', 'inverse_softplus', 'neg', 'exp'] as const;

export function readInitializer(
  expression: Expression,
  field: string,
  environment: Environment,
  context: ReadContext,
): Initializer | undefined {
  if (expression.kind === 'ErrorExpression') return undefined;
  if (expression.kind === 'NumberLiteral' && expression.unit === undefined)
    return { kind: 'constant', value: expression.value };
  const callee = expression.kind === 'Call' && expression.callee.kind === 'Name' ? expression.callee : undefined;
  const names = [...Object.keys(DISTRIBUTIONS), ...FUNCTIONS];
  if (expression.kind !== 'Call' || callee === undefined || !names.includes(callee.text)) {
    const name = callee?.text ?? (expression.kind === 'Name' ? expression.text : 'This');
    const place = callee?.span ?? expression.span;
    const values = { name, field, choices: listNames(names) };
    context.diagnostics.add(reportTrain('HYB5005', place, values, didYouMean(place, name, names)));
    return undefined;
  }
  const fn = FUNCTIONS.find((name) => name === callee.text);
  if (fn !== undefined) {
    const [inner, ...more] = expression.arguments;
    if (inner === undefined || more.length > 0) {
      context.diagnostics.add(report('HYB2014', expression.span, { callee: fn, count: 1 }));
      return undefined;
    }
    const of = readInitializer(inner.value, field, environment, context);
    return of === undefined ? undefined : { kind: 'apply', fn, of };
  }
  const distribution = DISTRIBUTIONS[callee.text]!;
  const values: Record<string, number> = {};
  for (const [position, argument] of expression.arguments.entries()) {
    const name = argument.name?.text ?? distribution.parameters[position];
    if (name === undefined || !distribution.parameters.includes(name)) {
      const place = argument.name?.span ?? argument.span;
      const details = { expected: listNames(distribution.parameters) };
      context.diagnostics.add(
        report('HYB2010', place, { callee: callee.text, name: name ?? String(position + 1) }, details),
      );
      return undefined;
    }
    const value = evaluate(argument.value, environment, { diagnostics: context.diagnostics, width: undefined });
    if (value === undefined) return undefined;
    if (value.kind !== 'number' || !Number.isFinite(value.value)) {
      const values = { field: name, expected: 'a number', found: describeValue(value) };
      context.diagnostics.add(reportTrain('HYB5002', argument.span, values));
      return undefined;
    }
    values[name] = value.value;
  }
  const missing = distribution.parameters.find(
    (name) => values[name] === undefined && distribution.optional?.includes(name) !== true,
  );
  if (missing !== undefined) {
    context.diagnostics.add(report('HYB2011', expression.span, { callee: callee.text, name: missing }));
    return undefined;
  }
  const made = distribution.make(values);
  if (made === undefined) {
    const found = distribution.parameters.map((name) => values[name]).join(', ');
    context.diagnostics.add(
      reportTrain('HYB5004', expression.span, { field, range: 'a distribution with bounds in order', found }),
    );
  }
  return made;
}
