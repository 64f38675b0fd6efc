/** Blocks and norms: their arguments, their signature and their body. */
import type { Argument, BlockDeclaration, Parameter, Span } from '@hyb/grammar';
import { didYouMean } from '../../diagnostics/suggest.js';
import type { Constant, NormInstance, Scope } from '../../model/model.js';
import { bindArguments, reportMissing } from './arguments.js';
import type { Signature } from './arguments.js';
import { evaluate } from './expression.js';
import { dimName, expand, fail } from './frame.js';
import type { Binding, Frame, Unit } from './frame.js';
import { checkResult, matchShape } from './shape.js';
import { applicationsOf, elaborateBody } from './statement.js';
import { FAILED, describe, isConstant, typeOf } from './values.js';
import type { Value } from './values.js';
import { byName } from '../../model/by-name.js';

export const PARAMETER_KINDS = ['int', 'float', 'bool', 'fn', 'norm', 'string', 'tuple'] as const;
export type ParameterKind = (typeof PARAMETER_KINDS)[number];

/** A block with complete arguments. */
export interface Instance {
  readonly declaration: BlockDeclaration;
  readonly scope: Scope;
  readonly arguments: Readonly<Record<string, Constant>>;
  readonly slots?: Readonly<Record<string, NormInstance | null>>;
}

export interface BlockInput {
  readonly value: Value;
  readonly span: Span;
}

/** Where a block is elaborated: inside a frame, or as the outermost of a unit. */
export interface BlockPlace {
  readonly frame: Pick<Frame, 'unit' | 'tape' | 'open' | 'norm'>;
  readonly path: string;
  /** The slot, where a norm is elaborated in one. */
  readonly norm?: string;
  readonly span: Span;
}

/** The value that a block makes of its inputs. */
export function elaborateBlock(instance: Instance, inputs: readonly BlockInput[], place: BlockPlace): Value {
  const { declaration, scope } = instance;
  const { unit, tape, open } = place.frame;
  const outside = { unit };
  if (open.includes(declaration)) {
    fail(outside, 'HYB3037', place.span, { name: declaration.name.text });
    return FAILED;
  }
  if (!expand(place.frame, declaration.name.text, place.span)) return FAILED;
  const taken = new Set<string>();
  for (const { value } of inputs) if (value.kind === 'tensor') for (const d of typeOf(value).dims) taken.add(d.name);
  const norm = place.norm ?? place.frame.norm;
  const frame: Frame = {
    unit,
    owner: declaration.form,
    name: declaration.name.text,
    scope,
    tape,
    bindings: new Map(),
    path: place.path,
    ...(norm !== undefined && { norm }),
    taken,
    open: [...open, declaration],
    applications: applicationsOf(declaration.body),
    slots: instance.slots ?? {},
    place: { name: 'result', used: new Map() },
  };
  bindParameters(declaration, instance.arguments, frame);
  let rest: Frame['rest'];
  let fits = true;
  for (const [i, input] of declaration.inputs.entries()) {
    const given = inputs[i];
    if (given === undefined || given.value.kind === 'failed') {
      fits = false;
      continue;
    }
    frame.bindings.set(input.name.text, { kind: 'value', value: given.value, span: input.name.span });
    if (given.value.kind !== 'tensor') {
      const what = `'${input.name.text}' of '${frame.name}'`;
      fail(
        outside,
        'HYB3007',
        given.span,
        { what, expected: 'a tensor' },
        { expected: 'a tensor', found: describe(given.value) },
      );
      fits = false;
    } else if (input.shape !== undefined) {
      const what = `'${input.name.text}' of '${frame.name}'`;
      const matched = matchShape(input.shape, typeOf(given.value).dims, frame, { span: given.span, what });
      if (matched === undefined) fits = false;
      else rest ??= matched.rest;
    }
  }
  if (!fits) return FAILED;
  separateDims(frame);
  if (unit.observer !== undefined) {
    for (const binding of frame.bindings.values()) {
      if ('span' in binding && binding.span !== undefined) unit.observer.binding(binding.span, binding, frame);
    }
  }
  const inner: Frame = rest === undefined ? frame : { ...frame, rest };
  const result = elaborateBody(declaration.body, inner, declaration.name);
  if (result.kind === 'failed') return FAILED;
  if (result.kind !== 'tensor') {
    const what = `The result of '${frame.name}'`;
    fail(
      outside,
      'HYB3007',
      declaration.name.span,
      { what, expected: 'a tensor' },
      { expected: 'a tensor', found: describe(result) },
    );
    return FAILED;
  }
  if (declaration.result !== undefined && !checkResult(declaration.result, result, inner, returnSpan(declaration))) {
    return FAILED;
  }
  return result;
}

function returnSpan(declaration: BlockDeclaration): Span {
  const found = declaration.body.find((statement) => statement.kind === 'ReturnStatement');
  return found?.kind === 'ReturnStatement' ? found.value.span : declaration.name.span;
}

function bindParameters(declaration: BlockDeclaration, values: Readonly<Record<string, Constant>>, frame: Frame): void {
  const { bindings, unit } = frame;
  if (!declaration.parameters.some((p) => p.name.text === 'width')) {
    bindings.set('width', { kind: 'dim', dim: { name: 'width', extent: unit.width } });
  }
  for (const { name } of declaration.parameters) {
    const value = Object.hasOwn(values, name.text) ? values[name.text]! : undefined;
    if (value === undefined) continue;
    bindings.set(name.text, parameterBinding(name, value, frame));
  }
}

function parameterBinding(name: Parameter['name'], value: Constant, frame: Frame): Binding {
  const { text, span } = name;
  if (value.kind === 'number' && value.integer && value.value > 0 && Number.isSafeInteger(value.value)) {
    return { kind: 'dim', dim: { name: text, extent: value.value }, span };
  }
  if (value.kind === 'norm') {
    const repeated = (frame.applications.get(text) ?? 0) > 1;
    return { kind: 'value', value: { kind: 'slot', name: text, span, norm: value, repeated }, span };
  }
  return { kind: 'value', value, span };
}

/** Sizes that are not those of an argument's dimensions get names that no argument's dimension has. */
function separateDims(frame: Frame): void {
  const matched = new Set<Binding>();
  for (const [name, binding] of frame.bindings) {
    if (binding.kind !== 'dim' || binding.dim.name !== name || matched.has(binding)) continue;
    if (!frame.taken.has(name) || matchedByInput(frame, name)) continue;
    frame.bindings.set(name, { ...binding, dim: { ...binding.dim, name: dimName(frame, name) } });
  }
}

/** Whether a shape of the signature speaks of the name. */
function matchedByInput(frame: Frame, name: string): boolean {
  const declaration = frame.open.at(-1) as BlockDeclaration;
  return declaration.inputs.some((input) => input.shape?.dims.some((d) => d.kind === 'Name' && d.text === name));
}

/** Arguments of a block or norm written in a body; defaults may use earlier parameters and `width`. */
export function instanceArguments(
  declaration: BlockDeclaration,
  scope: Scope,
  written: readonly Argument[],
  frame: Frame,
  span: Span,
): Readonly<Record<string, Constant>> | undefined {
  const signature: Signature = {
    name: declaration.name.text,
    span: declaration.name.span,
    parameters: declaration.parameters.map(({ name, default: fallback }) => ({
      name: name.text,
      optional: fallback !== undefined,
      span: name.span,
    })),
  };
  const bound = bindArguments(signature, written, frame);
  if (bound === undefined) return undefined;
  if (bound.missing.length > 0) {
    reportMissing(signature, bound.missing, span, frame);
    return undefined;
  }
  const values = byName<Constant>();
  const defaults = defaultsFrame(frame, scope);
  let complete = true;
  for (const parameter of declaration.parameters) {
    const { name, default: fallback } = parameter;
    const [argument] = bound.bound.get(name.text) ?? [];
    const expression = argument?.value ?? fallback;
    if (expression === undefined) continue;
    let value = evaluate(expression, argument === undefined ? defaults : frame);
    if (value.kind === 'slot') value = value.norm ?? { kind: 'none' };
    const kind = kindOf(parameter, argument === undefined ? value : undefined, defaults);
    const fitting = value.kind === 'failed' ? undefined : fit(value, kind, fallback?.kind === 'NoneLiteral');
    if (fitting === undefined) {
      complete = false;
      if (value.kind !== 'failed') {
        const what = `'${name.text}' of '${declaration.name.text}'`;
        const expected = kind === undefined ? 'a compile-time value' : KIND_NAMES[kind];
        fail(
          frame,
          'HYB3007',
          expression.span,
          { what, expected },
          {
            expected,
            found: describe(value),
            related: [{ span: name.span, message: 'declared here' }],
          },
        );
      }
      continue;
    }
    values[name.text] = fitting;
    defaults.bindings.set(name.text, parameterBinding(name, fitting, defaults));
  }
  return complete ? values : undefined;
}

/** The frame in which defaults of parameters are evaluated: the declaration's own names. */
export function defaultsFrame(outer: Pick<Frame, 'unit' | 'tape' | 'open'>, scope: Scope): Frame {
  return {
    unit: outer.unit,
    owner: 'block',
    name: '',
    scope,
    tape: outer.tape,
    bindings: new Map([['width', { kind: 'dim', dim: { name: 'width', extent: outer.unit.width } }]]),
    path: '',
    taken: new Set(),
    open: outer.open,
    applications: new Map(),
    slots: {},
    place: { name: '', used: new Map() },
  };
}

function kindOf(parameter: Parameter, fallback: Value | undefined, frame: Frame): ParameterKind | undefined {
  const written = parameter.type?.text;
  const known = PARAMETER_KINDS.find((kind) => kind === written);
  if (known !== undefined || written !== undefined) return known;
  const value = fallback ?? (parameter.default === undefined ? undefined : evaluate(parameter.default, frame));
  switch (value?.kind) {
    case 'number':
      return value.integer ? 'int' : 'float';
    case 'boolean':
      return 'bool';
    case 'string':
    case 'tuple':
    case 'norm':
      return value.kind;
    case 'function':
      return 'fn';
    default:
      return undefined;
  }
}

export const KIND_NAMES: Readonly<Record<ParameterKind, string>> = {
  int: 'a whole number',
  float: 'a number',
  bool: 'true or false',
  fn: 'a function',
  norm: 'a norm',
  string: 'a string',
  tuple: 'a tuple of constants',
};

function fit(value: Value, kind: ParameterKind | undefined, allowsNone: boolean): Constant | undefined {
  if (!isConstant(value)) return undefined;
  if (value.kind === 'none') return allowsNone || kind === undefined ? value : undefined;
  switch (kind) {
    case undefined:
      return value;
    case 'int':
      return value.kind === 'number' && value.integer ? value : undefined;
    case 'float':
      return value.kind === 'number' ? { ...value, integer: false } : undefined;
    case 'bool':
      return value.kind === 'boolean' ? value : undefined;
    case 'fn':
      return value.kind === 'function' ? value : undefined;
    default:
      return value.kind === kind ? value : undefined;
  }
}

/** Reports kinds of parameters that there are not. */
export function checkParameterKinds(declaration: BlockDeclaration, unit: Unit): void {
  for (const { type } of declaration.parameters) {
    if (type === undefined || PARAMETER_KINDS.some((kind) => kind === type.text)) continue;
    fail(
      { unit },
      'HYB3043',
      type.span,
      { type: type.text },
      {
        ...didYouMean(type.span, type.text, PARAMETER_KINDS),
        expected: PARAMETER_KINDS.join(', '),
        found: type.text,
      },
    );
  }
}
