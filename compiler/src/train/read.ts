/** Reads the value of a recipe's field by its specification. `undefined` means wrong and reported. */
import type { Argument, Expression, Field, Name, Path, Span } from '@hyb/grammar';
import type { Diagnostics } from '../diagnostics/collector.js';
import { didYouMean, listNames } from '../diagnostics/suggest.js';
import type { Initializer } from '../graph/graph.js';
import type { PrecisionSelector } from '../model/model.js';
import { printPath } from '../resolve/definition.js';
import type { Environment } from '../resolve/environment.js';
import { describeValue, evaluate } from '../resolve/evaluate.js';
import { report } from '../resolve/messages/report.js';
import { dictionary, printNumber } from '../resolve/value.js';
import type { Dimension, Value } from '../resolve/value.js';
import { readInitializer } from './initializer.js';
import { reportTrain } from './messages.js';
import type { Choice, FieldSpec, Spec } from './spec.js';

export interface ReadContext {
  readonly diagnostics: Diagnostics;
  /** Resolves a selector against the model; absent where the recipe has no model, and nothing is checked. */
  readonly selector: ((path: Path) => PrecisionSelector | undefined) | undefined;
}

/** A value as written, with later changes of parts of it (`optimizer.weight_decay = 0.2`). */
export interface Written {
  readonly expression: Expression;
  readonly environment: Environment;
  readonly changes: readonly PartChange[];
}
export interface PartChange {
  /** What is left of the path, outermost first; not empty. */
  readonly path: readonly Name[];
  readonly expression: Expression;
  readonly environment: Environment;
}

export type Read = { readonly value: unknown } | undefined;

const UNIT_NAMES: Readonly<Record<Dimension, string>> = {
  bytes: 'bytes (as in 6 GB)',
  steps: 'steps',
  tokens: 'tokens',
  sequences: 'sequences',
  seconds: 'seconds, minutes or hours',
};

/** How messages say what a field takes. */
export function expectation(spec: Spec): string {
  switch (spec.kind) {
    case 'number':
      return spec.integer === true ? 'a whole number' : 'a number';
    case 'boolean':
      return 'true or false';
    case 'string':
      return 'a string';
    case 'quantity':
      return `a number of ${spec.units.map((unit) => UNIT_NAMES[unit]).join(' or ')}`;
    case 'pair':
      return `a pair of ${expectation(spec.of).replace(/^a /, '')}s`;
    case 'list':
      return `${expectation(spec.of)}, or a tuple of them`;
    case 'choice':
      return listNames(spec.of.map((choice) => choice.name));
    case 'optional':
      return `${expectation(spec.of)}, or none`;
    case 'record':
      return 'fields in braces';
    case 'named':
      return '{ name = … }';
    case 'selected':
      return '{ part of the model = … }';
    case 'initializer':
      return 'an initialisation such as normal(0.02)';
    case 'any':
      return spec.expected;
  }
}

export function read(spec: Spec, field: string, written: Written, context: ReadContext): Read {
  const { expression } = written;
  if (expression.kind === 'ErrorExpression') return undefined;
  switch (spec.kind) {
    case 'number':
    case 'boolean':
    case 'string':
    case 'quantity':
      return readScalar(spec, field, written, context);
    case 'pair': {
      if (expression.kind !== 'Tuple' || expression.elements.length !== 2)
        return wrongKind(spec, field, written, context);
      return readAll(spec.of, field, expression.elements, written, context);
    }
    case 'list':
      if (expression.kind !== 'Tuple') {
        const one = read(spec.of, field, written, context);
        return one === undefined ? undefined : { value: [one.value] };
      }
      return readAll(spec.of, field, expression.elements, written, context);
    case 'choice':
      return readChoice(spec.of, spec, field, written, context);
    case 'optional':
      return expression.kind === 'NoneLiteral' ? { value: null } : read(spec.of, field, written, context);
    case 'record': {
      const fields = recordFields(spec, field, written, context);
      return fields === undefined
        ? undefined
        : readFields(spec.fields, `'${field}'`, `${field}.`, fields, expression.span, context);
    }
    case 'named': {
      const fields = recordFields(spec, field, written, context);
      if (fields === undefined) return undefined;
      const values = [...fields].map(
        ([name, { value }]) => [name, read(spec.of, `${field}.${name}`, value, context)] as const,
      );
      if (values.some(([, value]) => value === undefined)) return undefined;
      return { value: dictionary(values.map(([name, value]) => [name, value!.value] as const)) };
    }
    case 'selected':
      return readSelected(spec.of, spec, field, written, context);
    case 'initializer': {
      const value: Initializer | undefined = readInitializer(expression, field, written.environment, context);
      return value === undefined ? undefined : { value };
    }
    case 'any': {
      const fitting = spec.of.find((one) => fits(one, expression, written.environment));
      return fitting === undefined ? wrongKind(spec, field, written, context) : read(fitting, field, written, context);
    }
  }
}

/** Whether an expression looks like what a specification means; decides between the alternatives of `any`. */
function fits(spec: Spec, expression: Expression, environment: Environment): boolean {
  const callee = expression.kind === 'Call' ? expression.callee : expression;
  switch (spec.kind) {
    case 'choice':
      return callee.kind === 'Name' && spec.of.some((choice) => choice.name === callee.text);
    case 'record':
    case 'named':
    case 'selected':
      return expression.kind === 'RecordExpression';
    case 'string':
      return expression.kind === 'StringLiteral';
    case 'list':
      return fits(spec.of, expression, environment) || expression.kind === 'Tuple';
    case 'quantity':
      return expression.kind === 'NumberLiteral' && (expression.unit !== undefined || spec.plain !== undefined);
    case 'number':
      return (
        !['StringLiteral', 'Tuple', 'RecordExpression', 'NoneLiteral', 'BooleanLiteral'].includes(expression.kind) &&
        !(expression.kind === 'NumberLiteral' && expression.unit !== undefined) &&
        !(callee.kind === 'Name' && environment.value(callee) === undefined && expression.kind === 'Name')
      );
    default:
      return true;
  }
}

function wrongKind(
  spec: Spec,
  field: string,
  { expression, environment }: Written,
  context: ReadContext,
  value?: Value,
): undefined {
  const expected = expectation(spec);
  const found = value === undefined ? describeExpression(expression, environment) : describeValue(value);
  context.diagnostics.add(reportTrain('HYB5002', expression.span, { field, expected, found }, { expected, found }));
  return undefined;
}

function describeExpression(expression: Expression, environment: Environment): string {
  switch (expression.kind) {
    case 'NumberLiteral':
      return expression.unit === undefined
        ? `the number ${expression.raw}`
        : `${expression.raw} ${expression.unit.text}`;
    case 'StringLiteral':
      return 'a string';
    case 'BooleanLiteral':
      return String(expression.value);
    case 'NoneLiteral':
      return 'none';
    case 'Tuple':
      return expression.elements.length === 2 ? 'a pair' : `a tuple of ${expression.elements.length}`;
    case 'RecordExpression':
      return 'a record';
    case 'PatternExpression':
      return 'a pattern';
    case 'Name':
      return environment.value(expression) === undefined ? `'${expression.text}'` : `the value of '${expression.text}'`;
    case 'Call':
      return expression.callee.kind === 'Name' ? `'${expression.callee.text}(…)'` : 'a call';
    default:
      return 'something else';
  }
}

function readScalar(
  spec: Extract<Spec, { kind: 'number' | 'boolean' | 'string' | 'quantity' }>,
  field: string,
  written: Written,
  context: ReadContext,
): Read {
  const { expression, environment } = written;
  if (
    expression.kind === 'RecordExpression' ||
    expression.kind === 'PatternExpression' ||
    expression.kind === 'MapExpression'
  ) {
    return wrongKind(spec, field, written, context);
  }
  const value = evaluate(expression, environment, { diagnostics: context.diagnostics, width: undefined });
  if (value === undefined) return undefined;
  switch (spec.kind) {
    case 'boolean':
    case 'string':
      return value.kind === spec.kind ? { value: value.value } : wrongKind(spec, field, written, context, value);
    case 'number': {
      if (value.kind !== 'number') return wrongKind(spec, field, written, context, value);
      const { integer, above, min, max, below } = spec;
      const range = [
        integer === true ? 'a whole number' : 'a number',
        ...(above === undefined ? [] : [`over ${above}`]),
        ...(min === undefined ? [] : [`from ${min}`]),
        ...(max === undefined ? [] : [`to ${printNumber(max)}`]),
        ...(below === undefined ? [] : [`under ${below}`]),
      ].join(' ');
      const fine =
        Number.isFinite(value.value) &&
        (integer !== true || Number.isInteger(value.value)) &&
        (above === undefined || value.value > above) &&
        (min === undefined || value.value >= min) &&
        (max === undefined || value.value <= max) &&
        (below === undefined || value.value < below);
      return fine
        ? { value: value.value }
        : outOfRange(field, range, printNumber(value.value), expression.span, context);
    }
    case 'quantity': {
      const unit = value.kind === 'quantity' ? value.dimension : value.kind === 'number' ? spec.plain : undefined;
      if (unit === undefined || !spec.units.includes(unit) || (value.kind !== 'quantity' && value.kind !== 'number')) {
        return wrongKind(spec, field, written, context, value);
      }
      const least = spec.min ?? 0;
      const whole = unit === 'seconds' || Number.isSafeInteger(value.value);
      if (!whole || !Number.isFinite(value.value) || value.value < least) {
        return outOfRange(
          field,
          `a whole number of ${unit} from ${least}`,
          printNumber(value.value),
          expression.span,
          context,
        );
      }
      return { value: { value: value.value, unit } };
    }
  }
}

function outOfRange(field: string, range: string, found: string, span: Span, context: ReadContext): undefined {
  context.diagnostics.add(reportTrain('HYB5004', span, { field, range, found }, { expected: range, found }));
  return undefined;
}

function readAll(
  spec: Spec,
  field: string,
  elements: readonly Expression[],
  written: Written,
  context: ReadContext,
): Read {
  const values = elements.map((expression) => read(spec, field, { ...written, expression, changes: [] }, context));
  return values.includes(undefined) ? undefined : { value: values.map((value) => value!.value) };
}

interface NamedPart {
  readonly value: Written;
  readonly place: Span;
}

/** The fields of `{ … }` by name, with changes applied. */
function recordFields(
  spec: Spec,
  field: string,
  written: Written,
  context: ReadContext,
): Map<string, NamedPart> | undefined {
  const { expression, environment, changes } = written;
  if (expression.kind !== 'RecordExpression') return wrongKind(spec, field, written, context);
  const result = new Map<string, NamedPart>();
  let complete = true;
  for (const { target, value } of expression.fields) {
    const name = target.root.text;
    if (target.steps.length > 0) {
      complete = false;
      context.diagnostics.add(reportTrain('HYB5001', target.span, { field: printPath(target), where: `'${field}'` }));
    } else if (result.has(name)) {
      complete = false;
      const related = [{ span: result.get(name)!.place, message: 'the other one' }];
      context.diagnostics.add(report('HYB2003', target.span, { field: name }, { related }));
    } else result.set(name, { value: { expression: value, environment, changes: [] }, place: target.span });
  }
  applyChanges(result, changes);
  return complete ? result : undefined;
}

function applyChanges(parts: Map<string, NamedPart>, changes: readonly PartChange[]): void {
  for (const { path, expression, environment } of changes) {
    const [name, ...rest] = path;
    const earlier = parts.get(name!.text);
    if (rest.length === 0) {
      parts.set(name!.text, { value: { expression, environment, changes: [] }, place: name!.span });
    } else if (earlier !== undefined) {
      const change = { path: rest, expression, environment };
      parts.set(name!.text, { ...earlier, value: { ...earlier.value, changes: [...earlier.value.changes, change] } });
    } else {
      // A part of something that is left at its default: the part is all there is to read.
      const empty: Expression = { kind: 'RecordExpression', fields: [], span: name!.span };
      const change = { path: rest, expression, environment };
      parts.set(name!.text, { value: { expression: empty, environment, changes: [change] }, place: name!.span });
    }
  }
}

/** Reads known fields: defaults where they are not given, findings for those that are unknown or missing. */
function readFields(
  specs: Readonly<Record<string, FieldSpec>>,
  where: string,
  prefix: string,
  parts: ReadonlyMap<string, NamedPart>,
  span: Span,
  context: ReadContext,
): Read {
  const values: [string, unknown][] = [];
  let complete = true;
  for (const [name, { place }] of parts) {
    if (Object.hasOwn(specs, name)) continue;
    complete = false;
    const details = {
      ...didYouMean(place, name, Object.keys(specs)),
      expected: listNames(Object.keys(specs)),
      found: name,
    };
    context.diagnostics.add(reportTrain('HYB5001', place, { field: name, where }, details));
  }
  for (const [name, spec] of Object.entries(specs)) {
    const part = parts.get(name);
    if (part !== undefined) {
      const result = read(spec.spec, `${prefix}${name}`, part.value, context);
      if (result === undefined) complete = false;
      else values.push([name, result.value]);
    } else if ('default' in spec) values.push([name, spec.default]);
    else if (spec.required === true) {
      complete = false;
      context.diagnostics.add(reportTrain('HYB5003', span, { recipe: where.replaceAll("'", ''), field: name }));
    }
  }
  return complete ? { value: dictionary(values) } : undefined;
}

function readChoice(
  choices: readonly Choice[],
  spec: Spec,
  field: string,
  written: Written,
  context: ReadContext,
): Read {
  const { expression, environment, changes } = written;
  const callee = expression.kind === 'Call' ? expression.callee : expression;
  if (callee.kind !== 'Name') return wrongKind(spec, field, written, context);
  const choice = choices.find((one) => one.name === callee.text);
  if (choice === undefined) {
    const names = choices.map((one) => one.name);
    const values = { name: callee.text, field, choices: listNames(names) };
    const details = { ...didYouMean(callee.span, callee.text, names), expected: listNames(names), found: callee.text };
    context.diagnostics.add(reportTrain('HYB5005', callee.span, values, details));
    return undefined;
  }
  const given = expression.kind === 'Call' ? expression.arguments : [];
  const parts = argumentParts(choice, given, environment, context);
  if (parts === undefined) return undefined;
  applyChanges(parts, changes);
  const values = readFields(choice.parameters, `'${choice.name}'`, `${choice.name}.`, parts, expression.span, context);
  return values === undefined ? undefined : { value: { name: choice.name, arguments: values.value } };
}

function argumentParts(
  choice: Choice,
  given: readonly Argument[],
  environment: Environment,
  context: ReadContext,
): Map<string, NamedPart> | undefined {
  const names = Object.keys(choice.parameters);
  const parts = new Map<string, NamedPart>();
  let complete = true;
  for (const [position, argument] of given.entries()) {
    const name = argument.name?.text ?? names[position];
    if (name === undefined) {
      complete = false;
      context.diagnostics.add(report('HYB2014', argument.span, { callee: choice.name, count: names.length }));
    } else if (parts.has(name)) {
      complete = false;
      const related = [{ span: parts.get(name)!.place, message: 'given here' }];
      context.diagnostics.add(report('HYB2012', argument.span, { name }, { related }));
    } else {
      parts.set(name, {
        value: { expression: argument.value, environment, changes: [] },
        place: argument.name?.span ?? argument.span,
      });
    }
  }
  return complete ? parts : undefined;
}

function readSelected(of: Spec, spec: Spec, field: string, written: Written, context: ReadContext): Read {
  const { expression, environment, changes } = written;
  if (expression.kind !== 'RecordExpression') return wrongKind(spec, field, written, context);
  const parts = new Map<string, { readonly target: Path; readonly value: Written }>();
  let complete = true;
  const addField = (target: Path, value: Written, replace: boolean): void => {
    const key = printPath(target);
    if (parts.has(key) && !replace) {
      complete = false;
      context.diagnostics.add(report('HYB2003', target.span, { field: key }));
    } else parts.set(key, { target, value });
  };
  for (const { target, value } of expression.fields as readonly Field[]) {
    addField(target, { expression: value, environment, changes: [] }, false);
  }
  for (const change of changes) {
    const [root, ...rest] = change.path;
    const steps = rest.map((name) => ({ kind: 'PathMember', name, span: name.span }) as const);
    const target: Path = {
      kind: 'Path',
      root: root!,
      steps,
      span: { ...root!.span, end: (rest.at(-1) ?? root!).span.end },
    };
    addField(target, { expression: change.expression, environment: change.environment, changes: [] }, true);
  }
  const result: { selector: PrecisionSelector; value: unknown }[] = [];
  for (const [key, { target, value }] of parts) {
    const one = read(of, `${field}.${key}`, value, context);
    const selector = context.selector?.(target);
    if (one === undefined || (selector === undefined && context.selector !== undefined)) complete = false;
    else if (selector !== undefined) result.push({ selector, value: one.value });
  }
  return complete ? { value: result } : undefined;
}
