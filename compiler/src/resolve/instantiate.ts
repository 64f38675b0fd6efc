/** Blocks, norms and functions with their arguments. */
import type { BlockDeclaration, FunctionDeclaration, Parameter, Span } from '@hyb/grammar';
import type { BlockInstance, Constant, FunctionValue, NormInstance } from '../model/model.js';
import type { FileScope } from '../sources/scope.js';
import { bindArguments, coerce } from './arguments.js';
import type { GivenArgument, Signature } from './arguments.js';
import type { Builtin } from './builtins.js';
import type { Environment, Lookup } from './environment.js';
import { evaluate } from './evaluate.js';
import type { EvaluationContext } from './evaluate.js';
import { report } from './messages/report.js';
import { dictionary, integer, kindOf, NONE } from './value.js';
import type { Kind } from './value.js';
import { listNames } from '../diagnostics/suggest.js';

/**
 * A block or norm with its arguments, defaults filled in: they may refer to earlier parameters and to `width`. Undefined
 * where an argument is wrong.
 */
export function instantiate(
  declaration: BlockDeclaration,
  scope: FileScope,
  given: readonly GivenArgument[],
  call: Span,
  context: EvaluationContext,
  overrides: ReadonlyMap<string, GivenArgument> = new Map(),
): BlockInstance | NormInstance | undefined {
  const signature: Signature = {
    callee: declaration.name.text,
    place: declaration.name.span,
    parameters: declaration.parameters.map((parameter) => ({
      name: parameter.name.text,
      optional: parameter.default !== undefined,
      place: parameter.name.span,
    })),
  };
  const bound = bindArguments(signature, given, call, context, overrides);
  const values = new Map<string, Lookup>();
  const defaults = new DefaultEnvironment(scope, values, context);
  let complete = bound.complete;
  for (const parameter of declaration.parameters) {
    const name = parameter.name.text;
    const value = parameterValue(parameter, bound.arguments.get(name), defaults, signature.callee, context);
    if (value === undefined) complete = false;
    values.set(name, value === undefined ? { state: 'failed' } : { state: 'known', value });
  }
  if (!complete) return undefined;
  const known = [...values].flatMap(([name, lookup]): [string, Constant][] =>
    lookup.state === 'known' ? [[name, lookup.value as Constant]] : [],
  );
  const common = { declaration, scope, arguments: dictionary(known), span: call };
  return declaration.form === 'norm'
    ? { kind: 'norm', ...common }
    : { kind: 'block', ...common, slots: dictionary([]) };
}

/** A parameter's declared kind; undefined where it is taken from the default's value. */
function declaredKind(parameter: Parameter): Kind | undefined {
  switch (parameter.type?.text) {
    case 'int':
    case 'float':
    case 'bool':
    case 'string':
    case 'tuple':
    case 'fn':
    case 'norm':
      return parameter.type.text;
    default:
      return undefined;
  }
}

function parameterValue(
  parameter: Parameter,
  given: GivenArgument | undefined,
  defaults: Environment,
  callee: string,
  context: EvaluationContext,
): Constant | undefined {
  const name = parameter.name.text;
  const fallback = parameter.default;
  let kind = declaredKind(parameter);
  const kindFromDefault = kind === undefined && fallback !== undefined;
  const value =
    fallback === undefined || (given !== undefined && !kindFromDefault)
      ? undefined
      : evaluate(fallback, defaults, context);
  if (given === undefined) {
    if (fallback === undefined || value === undefined) return undefined;
    const place = { span: fallback.span, name, callee, declared: parameter.name.span };
    return coerce(value, kind, true, place, context);
  }
  if (value !== undefined && value.kind !== 'none') kind = kindOf(value);
  const found = evaluate(given.value, given.environment, context);
  if (found === undefined) return undefined;
  const place = { span: given.value.span, name, callee, declared: parameter.name.span };
  return coerce(found, kind, fallback?.kind === 'NoneLiteral' || value?.kind === 'none', place, context);
}

/** Names in the default of a parameter: the earlier parameters and the model's width. */
class DefaultEnvironment implements Environment {
  constructor(
    readonly scope: FileScope,
    readonly parameters: ReadonlyMap<string, Lookup>,
    readonly context: EvaluationContext,
  ) {}

  value(name: { readonly text: string }): Lookup | undefined {
    const parameter = this.parameters.get(name.text);
    if (parameter !== undefined) return parameter;
    if (name.text !== 'width') return undefined;
    const { width } = this.context;
    return width === undefined ? { state: 'failed' } : { state: 'known', value: integer(width) };
  }

  names(): Iterable<string> {
    return [...this.parameters.keys(), 'width'];
  }
}

/** A norm with some of its arguments changed. */
export function withArguments(
  norm: NormInstance,
  overrides: ReadonlyMap<string, GivenArgument>,
  context: EvaluationContext,
): NormInstance | undefined {
  const { declaration, scope, span } = norm;
  // Everything that is kept is known, so nothing but the changed arguments is evaluated again.
  const kept = new Map(
    Object.entries(norm.arguments).map(([name, value]) => [name, { state: 'known', value } as const]),
  );
  const defaults = new DefaultEnvironment(scope as FileScope, kept, context);
  const values = new Map<string, Constant>(Object.entries(norm.arguments));
  for (const parameter of declaration.parameters) {
    const argument = overrides.get(parameter.name.text);
    if (argument === undefined) continue;
    const value = parameterValue(parameter, argument, defaults, declaration.name.text, context);
    if (value === undefined) return undefined;
    values.set(parameter.name.text, value);
  }
  return { kind: 'norm', declaration, scope, arguments: dictionary(values), span };
}

/** A declared function with some of its inputs given as constants: `leaky(slope = 0.1)`. */
export function partialFunction(
  declaration: FunctionDeclaration,
  scope: FileScope,
  given: readonly GivenArgument[],
  context: EvaluationContext,
): FunctionValue | undefined {
  const callee = declaration.name.text;
  const parameters = declaration.inputs.map((input) => ({
    name: input.name.text,
    optional: true,
    place: input.name.span,
  }));
  const unnamed = given.find((argument) => argument.name === undefined);
  if (unnamed !== undefined) {
    context.diagnostics.add(report('HYB2014', unnamed.span, { callee, count: 'only named' }));
    return undefined;
  }
  const bound = bindArguments({ callee, parameters, place: declaration.name.span }, given, declaration.span, context);
  const values: [string, Constant][] = [];
  let complete = bound.complete;
  for (const [name, argument] of bound.arguments) {
    const value = evaluate(argument.value, argument.environment, context);
    const place = { span: argument.value.span, name, callee };
    const constant = value === undefined ? undefined : coerce(value, undefined, true, place, context);
    if (constant === undefined) complete = false;
    else values.push([name, constant]);
  }
  return complete ? { kind: 'function', callee: { declaration, scope }, arguments: dictionary(values) } : undefined;
}

/** A built-in function with its named arguments, defaults filled in: `rope(base = 10_000)`. */
export function partialBuiltin(
  builtin: Builtin,
  given: readonly GivenArgument[],
  call: Span,
  context: EvaluationContext,
): FunctionValue | undefined {
  const callee = builtin.name;
  const parameters = builtin.parameters.map(({ name, default: fallback }) => ({
    name,
    optional: fallback !== undefined,
  }));
  const bound = bindArguments({ callee, parameters }, given, call, context);
  const values: [string, Constant][] = [];
  let complete = bound.complete;
  for (const parameter of builtin.parameters) {
    const { name } = parameter;
    const argument = bound.arguments.get(name);
    if (argument === undefined) {
      values.push([name, parameter.default ?? NONE]);
      continue;
    }
    const value =
      parameter.of === undefined
        ? evaluate(argument.value, argument.environment, context)
        : evaluateChoice(parameter.of, argument, { name, callee }, context);
    const place = { span: argument.value.span, name, callee };
    const constant =
      value === undefined
        ? undefined
        : coerce(value, parameter.kind, parameter.default?.kind === 'none', place, context);
    if (constant === undefined) complete = false;
    else if (
      parameter.choices !== undefined &&
      constant.kind === 'string' &&
      !parameter.choices.includes(constant.value)
    ) {
      complete = false;
      const choices = listNames(parameter.choices.map((choice) => `"${choice}"`));
      context.diagnostics.add(report('HYB2016', argument.value.span, { name, callee, choices }));
    } else values.push([name, constant]);
  }
  return complete ? { kind: 'function', callee: { builtin: builtin.name }, arguments: dictionary(values) } : undefined;
}

/** One of the functions that are known only as the value of one parameter, such as the kinds of `scaling` of `rope`. */
function evaluateChoice(
  choices: readonly Builtin[],
  argument: GivenArgument,
  parameter: { readonly name: string; readonly callee: string },
  context: EvaluationContext,
): FunctionValue | Constant | undefined {
  const { value } = argument;
  if (value.kind === 'NoneLiteral') return NONE;
  const name = value.kind === 'Call' ? value.callee : value;
  const choice = name.kind === 'Name' ? choices.find((candidate) => candidate.name === name.text) : undefined;
  if (choice === undefined) {
    if (value.kind !== 'ErrorExpression') {
      const names = listNames(choices.map((candidate) => candidate.name));
      context.diagnostics.add(report('HYB2016', value.span, { ...parameter, choices: names }));
    }
    return undefined;
  }
  const given =
    value.kind === 'Call' ? value.arguments.map((inner) => ({ ...inner, environment: argument.environment })) : [];
  return partialBuiltin(choice, given, value.span, context);
}
