/** Applications: of functions, parameters that are layers, slots and norms. */
import type { Argument, Call, Expression, Span } from '@hyb/grammar';
import { didYouMean } from '../../diagnostics/suggest.js';
import { TIME } from '../../graph/types.js';
import type { Constant, FunctionValue } from '../../model/model.js';
import { builtins } from '../builtins/table.js';
import { applyBuiltin } from '../builtins/apply.js';
import { bindArguments, reportMissing } from './arguments.js';
import type { Signature } from './arguments.js';
import { elaborateBlock, instanceArguments } from './block.js';
import { reshapingFix, matchShape, sameNames, checkResult } from './shape.js';
import { describeDims } from './describe.js';
import { evaluate, unknownName } from './expression.js';
import { addNode, addTensor, expand, fail, lookup, nodeType, parameterNode } from './frame.js';
import type { Frame } from './frame.js';
import { tensorNode } from './operators.js';
import { applySlot } from './slot.js';
import { elaborateBody } from './statement.js';
import { FAILED, describe, isConstant, typeOf } from './values.js';
import type { ConvolutionModule, LinearModule, ModuleValue, Value } from './values.js';
import { byName } from '../../model/by-name.js';

export function call(expression: Call, frame: Frame): Value {
  const callee = calleeOf(expression.callee, frame);
  switch (callee.kind) {
    case 'failed':
      // Arguments are looked at all the same: one run reports every error.
      for (const argument of expression.arguments) if (argument.value.kind === 'Call') evaluate(argument.value, frame);
      return FAILED;
    case 'function':
      return applyFunction(callee, expression.arguments, frame, expression.span);
    case 'module':
      return applyModule(callee, expression, frame);
    case 'slot':
      return applySlot(callee, expression, frame);
    case 'declaration': {
      const { declaration, scope } = callee;
      if (declaration.form === 'block') {
        fail(frame, 'HYB3027', expression.span, { name: declaration.name.text });
        return FAILED;
      }
      const values = instanceArguments(declaration, scope, expression.arguments, frame, expression.span);
      if (values === undefined) return FAILED;
      return { kind: 'norm', declaration, scope, arguments: values, span: expression.span };
    }
    case 'norm':
      fail(frame, 'HYB3028', expression.span, { name: callee.declaration.name.text });
      return FAILED;
    default:
      fail(frame, 'HYB3020', expression.callee.span, { what: describe(callee) });
      return FAILED;
  }
}

type Callee = Value | Declared;

interface Declared {
  readonly kind: 'declaration';
  readonly declaration: Parameters<typeof instanceArguments>[0];
  readonly scope: Frame['scope'];
}

function calleeOf(expression: Expression, frame: Frame): Callee {
  if (expression.kind !== 'Name') return evaluate(expression, frame);
  if (lookup(frame, expression.text) === undefined) {
    const declared = frame.scope.lookup(expression.text);
    if (declared?.kind === 'block')
      return { kind: 'declaration', declaration: declared.declaration, scope: declared.scope };
    if (declared === undefined && !builtins().has(expression.text)) {
      const functions = [...frame.bindings.keys(), ...frame.scope.names(), ...builtins().keys()];
      return unknownName(expression, frame, functions);
    }
  }
  return evaluate(expression, frame);
}

/** A built-in or declared function; with some arguments missing and the others named, a function of the missing ones. */
export function applyFunction(callee: FunctionValue, written: readonly Argument[], frame: Frame, span: Span): Value {
  if ('builtin' in callee.callee) {
    const builtin = builtins().get(callee.callee.builtin);
    if (builtin === undefined) {
      fail(
        frame,
        'HYB3001',
        span,
        { name: callee.callee.builtin },
        didYouMean(span, callee.callee.builtin, builtins().keys()),
      );
      return FAILED;
    }
    return applyBuiltin(builtin, callee, written, frame, span);
  }
  const { declaration } = callee.callee;
  const signature: Signature = {
    name: declaration.name.text,
    span: declaration.name.span,
    parameters: declaration.inputs.map((input) => ({ name: input.name.text, optional: false, span: input.name.span })),
  };
  const given = new Set(Object.keys(callee.arguments));
  const bound = bindArguments(signature, written, frame, given);
  if (bound === undefined) {
    for (const { value } of written) if (value.kind !== 'Arrow') evaluate(value, frame);
    return FAILED;
  }
  const values = new Map<string, { readonly value: Value; readonly span: Span }>();
  for (const [name, value] of Object.entries(callee.arguments)) values.set(name, { value, span });
  for (const [name, [argument]] of bound.bound) {
    values.set(name, { value: evaluate(argument!.value, frame), span: argument!.value.span });
  }
  if (bound.missing.length > 0) return partial(callee, signature, values, bound.missing, written, frame, span);
  if ([...values.values()].some(({ value }) => value.kind === 'failed')) return FAILED;
  return applyDeclared(callee.callee, values, frame, span);
}

function partial(
  callee: FunctionValue,
  signature: Signature,
  values: ReadonlyMap<string, { readonly value: Value }>,
  missing: readonly string[],
  written: readonly Argument[],
  frame: Frame,
  span: Span,
): Value {
  const constants = byName<Constant>();
  for (const [name, { value }] of values) if (isConstant(value)) constants[name] = value;
  const named = written.length > 0 && written.every((argument) => argument.name !== undefined);
  if (named && Object.keys(constants).length === values.size) return { ...callee, arguments: constants };
  reportMissing(signature, missing, span, frame);
  return FAILED;
}

function applyDeclared(
  { declaration, scope }: Extract<FunctionValue['callee'], { declaration: unknown }>,
  values: ReadonlyMap<string, { readonly value: Value; readonly span: Span }>,
  frame: Frame,
  span: Span,
): Value {
  if (frame.open.includes(declaration)) {
    fail(frame, 'HYB3037', span, { name: declaration.name.text });
    return FAILED;
  }
  if (!expand(frame, declaration.name.text, span)) return FAILED;
  const taken = new Set<string>();
  for (const { value } of values.values()) {
    if (value.kind === 'tensor') for (const d of typeOf(value).dims) taken.add(d.name);
  }
  const inner: Frame = {
    unit: frame.unit,
    owner: 'function',
    name: declaration.name.text,
    scope,
    tape: frame.tape,
    bindings: new Map([['width', { kind: 'dim', dim: { name: 'width', extent: frame.unit.width } }]]),
    path: frame.path,
    ...(frame.norm !== undefined && { norm: frame.norm }),
    taken,
    open: [...frame.open, declaration],
    applications: new Map(),
    slots: {},
    place: { name: 'result', used: new Map() },
  };
  let rest: Frame['rest'];
  let fits = true;
  for (const input of declaration.inputs) {
    const { value, span: place } = values.get(input.name.text)!;
    inner.bindings.set(input.name.text, { kind: 'value', value, span: input.name.span });
    if (input.shape === undefined) continue;
    if (value.kind !== 'tensor') {
      const what = `'${input.name.text}' of '${declaration.name.text}'`;
      fail(frame, 'HYB3007', place, { what, expected: 'a tensor' }, { expected: 'a tensor', found: describe(value) });
      fits = false;
      continue;
    }
    const what = `'${input.name.text}' of '${declaration.name.text}'`;
    const matched = matchShape(input.shape, typeOf(value).dims, inner, { span: place, what });
    if (matched === undefined) fits = false;
    else rest ??= matched.rest;
  }
  if (!fits) return FAILED;
  const { observer } = frame.unit;
  for (const { name } of observer === undefined ? [] : declaration.inputs) {
    observer!.binding(name.span, inner.bindings.get(name.text)!, inner);
  }
  const body: Frame = rest === undefined ? inner : { ...inner, rest };
  const result = elaborateBody(declaration.body, body, declaration.name);
  if (
    declaration.result !== undefined &&
    result.kind === 'tensor' &&
    !checkResult(declaration.result, result, body, span)
  ) {
    return FAILED;
  }
  return result;
}

function applyModule(callee: ModuleValue, expression: Call, frame: Frame): Value {
  const { module, name } = callee;
  if (frame.tape.kind === 'scan') {
    fail(frame, 'HYB3032', expression.span, { what: `'${name}'` });
    return FAILED;
  }
  if (module.kind === 'block') {
    const { declaration } = module;
    const signature: Signature = {
      name,
      span: callee.span,
      parameters: declaration.inputs.map((input) => ({
        name: input.name.text,
        optional: false,
        span: input.name.span,
      })),
    };
    const bound = bindArguments(signature, expression.arguments, frame);
    if (bound === undefined) return FAILED;
    if (bound.missing.length > 0) {
      reportMissing(signature, bound.missing, expression.span, frame);
      return FAILED;
    }
    const inputs = declaration.inputs.map((input) => {
      const [argument] = bound.bound.get(input.name.text)!;
      return { value: evaluate(argument!.value, frame), span: argument!.value.span };
    });
    return elaborateBlock(module, inputs, { frame, path: `${frame.path}${name}.`, span: expression.span });
  }
  const signature: Signature = { name, span: callee.span, parameters: [{ name: 'x', optional: false }] };
  const bound = bindArguments(signature, expression.arguments, frame);
  if (bound === undefined) return FAILED;
  const [argument] = bound.bound.get('x') ?? [];
  if (argument === undefined) {
    reportMissing(signature, ['x'], expression.span, frame);
    return FAILED;
  }
  const value = evaluate(argument.value, frame);
  if (value.kind === 'failed') return FAILED;
  return module.kind === 'linear'
    ? applyLinear(callee, module, value, argument.value, frame, expression.span)
    : applyConvolution(callee, module, value, argument.value, frame, expression.span);
}

function applyLinear(
  callee: ModuleValue,
  module: LinearModule,
  value: Value,
  argument: Expression,
  frame: Frame,
  span: Span,
): Value {
  const x = tensorNode(value, frame, argument.span);
  if (x === undefined) return FAILED;
  const { dims } = nodeType(frame, x);
  const names: string[] = [];
  let anonymous = 0;
  for (const [i, from] of module.from.entries()) {
    // A size without a name is that of the dimension in its place, counted from the last.
    const byPlace = dims[dims.length - module.from.length + i];
    const found = from.anonymous ? byPlace : dims.find((d) => d.name === from.name);
    if (from.anonymous) anonymous++;
    if (found === undefined || found.extent !== from.extent || names.includes(found.name)) {
      const size = (all: readonly { extent: number | 'time' }[]): number =>
        all.reduce((n, d) => (d.extent === 'time' ? n : n * d.extent), 1);
      const wanted = [TIME, ...module.from];
      const shape = `[${wanted.map((d) => d.name).join(', ')}]`;
      const reshapes =
        anonymous === 0 && size(dims) === size(wanted) && dims[0]?.extent === 'time' && !sameNames(dims, wanted);
      fail(
        frame,
        'HYB3010',
        argument.span,
        { what: `The argument of '${callee.name}'` },
        {
          expected: describeDims(wanted, frame.unit),
          found: describeDims(dims, frame.unit),
          related: [{ span: callee.span, message: 'declared here' }],
          fixes: reshapes ? [reshapingFix(argument.span, shape)] : [],
        },
      );
      return FAILED;
    }
    names.push(found.name);
  }
  const kept = dims.filter((d) => !names.includes(d.name));
  const clash = module.to.find((d) => kept.some((k) => k.name === d.name));
  if (clash !== undefined) {
    fail(frame, 'HYB3017', span, { name: clash.name }, { found: describeDims([...kept, ...module.to], frame.unit) });
    return FAILED;
  }
  const { rounder } = frame.unit;
  const member = `${frame.path}${callee.name}`;
  const group = rounder.product(x, module.weight.path);
  const rounded = rounder.round(frame, x, {
    role: 'activations',
    operand: true,
    member,
    linear: group,
    ...inNorm(frame),
  });
  const node = (parameter: LinearModule['weight']) => parameterNode(parameter, frame).node;
  const gradient = rounder.formatAt({ role: 'gradients', member, linear: group, ...inNorm(frame) });
  const attributes = {
    in: names,
    out: module.to.map(({ name, extent }) => ({ name, extent })),
    ...(gradient === 'f32' ? {} : { gradient }),
  };
  const weight = node(module.weight);
  const biasInside = module.bias !== undefined && module.gamma === undefined;
  const inputs = biasInside ? [rounded, weight, node(module.bias!)] : [rounded, weight];
  let y = addNode(frame, 'linear', inputs, attributes, span, callee.name);
  if (module.gamma !== undefined && y !== undefined) {
    const norm = addNode(frame, 'spectral_norm', [weight], { rows: module.to.length }, span);
    const scale = norm === undefined ? undefined : addNode(frame, 'div', [node(module.gamma), norm], {}, span);
    y = scale === undefined ? undefined : addNode(frame, 'mul', [y, scale], {}, span);
    if (module.bias !== undefined && y !== undefined) y = addNode(frame, 'add', [y, node(module.bias)], {}, span);
  }
  if (y === undefined) return FAILED;
  return {
    kind: 'tensor',
    tape: frame.tape,
    node: rounder.round(frame, y, { role: 'activations', member, ...inNorm(frame) }),
  };
}

function applyConvolution(
  callee: ModuleValue,
  module: ConvolutionModule,
  value: Value,
  argument: Expression,
  frame: Frame,
  span: Span,
): Value {
  const x = tensorNode(value, frame, argument.span);
  if (x === undefined) return FAILED;
  const { dims } = nodeType(frame, x);
  const wanted = [TIME, module.channels];
  const fits =
    dims.length === 2 &&
    dims[0]!.extent === 'time' &&
    dims[1]!.extent === module.channels.extent &&
    (module.channels.anonymous || dims[1]!.name === module.channels.name);
  if (!fits) {
    fail(
      frame,
      'HYB3010',
      argument.span,
      { what: `The argument of '${callee.name}'` },
      {
        expected: describeDims(wanted, frame.unit),
        found: describeDims(dims, frame.unit),
        related: [{ span: callee.span, message: 'declared here' }],
      },
    );
    return FAILED;
  }
  const { rounder } = frame.unit;
  const place = { member: `${frame.path}${callee.name}`, ...inNorm(frame) };
  const stored = module.kernel > 1 ? rounder.round(frame, x, { role: 'state', ...place }) : x;
  const parameters = [module.weight, ...(module.bias === undefined ? [] : [module.bias])];
  const inputs = [stored, ...parameters.map((p) => parameterNode(p, frame).node)];
  const y = addTensor(frame, 'conv1d', inputs, { kernel: module.kernel }, span, callee.name);
  if (y.kind !== 'tensor') return FAILED;
  return { ...y, node: rounder.round(frame, y.node, { role: 'activations', ...place }) };
}

export function inNorm(frame: Frame): { readonly norm?: true } {
  return frame.norm === undefined ? {} : { norm: true };
}
