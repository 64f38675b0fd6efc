/** `param` statements: linear maps, convolutions, blocks inside the block, and plain tensors. */
import type { Argument, Arrow, Attribute, Call, Expression, ParamStatement, Span } from '@hyb/grammar';
import { didYouMean, listNames } from '../../diagnostics/suggest.js';
import type { GraphParameter, Initializer } from '../../graph/graph.js';
import { tensor } from '../../graph/types.js';
import type { Dim } from '../../graph/types.js';
import { MODULES } from '../builtins/modules.js';
import { bindArguments, reportMissing } from './arguments.js';
import { instanceArguments } from './block.js';
import { printExpression } from './describe.js';
import { evaluate, isBroken } from './expression.js';
import { bind, fail, lookup } from './frame.js';
import type { Frame } from './frame.js';
import { DEFAULT_STD, initializer } from './initializer.js';
import { checkSize, plainDim, resolveDim, resolveShape } from './shape.js';
import { describe } from './values.js';
import type { Module, SizedDim } from './values.js';

/** Attributes of parameters, with what they take. */
export const PARAM_ATTRIBUTES = ['init'] as const;

export function declareParam(statement: ParamStatement, frame: Frame): void {
  const { name, condition } = statement;
  if (frame.owner === 'function' || frame.owner === 'scan') {
    fail(frame, 'HYB3029', statement.span, {
      what: '`param`',
      where: frame.owner === 'scan' ? 'a scan' : 'a function',
    });
    bindFailed(statement, frame);
    return;
  }
  if (condition !== undefined) {
    const value = evaluate(condition, frame);
    if (value.kind !== 'boolean') {
      if (value.kind !== 'failed') {
        fail(
          frame,
          'HYB3007',
          condition.span,
          { what: 'The condition', expected: 'true or false' },
          { expected: 'true or false', found: describe(value) },
        );
      }
      bindFailed(statement, frame);
      return;
    }
    if (!value.value) {
      bind(frame, name, { kind: 'absent', span: name.span });
      return;
    }
  }
  if (statement.shape !== undefined) declareTensor(statement, frame);
  else declareModule(statement, frame);
}

function bindFailed({ name }: ParamStatement, frame: Frame): void {
  bind(frame, name, { kind: 'value', value: { kind: 'failed' }, span: name.span });
}

/** `param D: [heads] = 1`, `param A_log: [heads] @init(log(uniform(1, 16)))`. */
function declareTensor(statement: ParamStatement, frame: Frame): void {
  const { name, value, attributes } = statement;
  const dims = resolveShape(statement.shape!, frame);
  const attribute = initAttribute(attributes, frame);
  let init: Initializer | undefined;
  if (value !== undefined && attribute !== undefined) {
    fail(
      frame,
      'HYB3034',
      attribute.span,
      { name: name.text },
      { related: [{ span: value.span, message: 'the other one' }] },
    );
  }
  if (value !== undefined) init = initializer(value, frame);
  else if (attribute !== undefined) {
    const [argument] = attribute.arguments;
    init = argument === undefined ? undefined : initializer(argument.value, frame);
  } else {
    fail(frame, 'HYB3035', name.span, { name: name.text });
  }
  if (dims?.[0]?.extent === 'time') {
    fail(frame, 'HYB3022', statement.shape!.span, { name: name.text });
    bindFailed(statement, frame);
    return;
  }
  if (dims === undefined || init === undefined) {
    bindFailed(statement, frame);
    return;
  }
  const parameter = declare(frame, statement, '', dims, init, 'vector');
  bind(frame, name, { kind: 'parameter', parameter, span: name.span });
}

function declareModule(statement: ParamStatement, frame: Frame): void {
  const { name, value } = statement;
  const module = value === undefined ? undefined : moduleOf(statement, value, frame);
  if (value === undefined) fail(frame, 'HYB3033', name.span, { name: name.text });
  if (module === undefined) bindFailed(statement, frame);
  else
    bind(frame, name, {
      kind: 'value',
      value: { kind: 'module', name: name.text, module, span: name.span },
      span: name.span,
    });
}

function moduleOf(statement: ParamStatement, value: Expression, frame: Frame): Module | undefined {
  const { name } = statement;
  if (value.kind === 'ErrorExpression') return undefined;
  const callee = value.kind === 'Call' ? value.callee : value;
  if (callee.kind === 'Name') {
    const call: Call = value.kind === 'Call' ? value : { kind: 'Call', callee, arguments: [], span: value.span };
    const declared = lookup(frame, callee.text) === undefined ? frame.scope.lookup(callee.text) : undefined;
    if (declared?.kind === 'block') {
      const { declaration, scope } = declared;
      checkAttributes(statement.attributes, [], frame);
      const values = instanceArguments(declaration, scope, call.arguments, frame, value.span);
      return values && { kind: 'block', declaration, scope, arguments: values };
    }
    if (callee.text === 'linear') return linearModule(statement, call, frame);
    if (callee.text === 'conv1d') return convolutionModule(statement, call, frame);
    if (declared === undefined && lookup(frame, callee.text) === undefined) {
      if (isBroken(frame, callee.text)) return undefined;
      const blocks = frame.scope.names().filter((n) => frame.scope.lookup(n)?.kind === 'block');
      fail(
        frame,
        'HYB3033',
        callee.span,
        { name: name.text },
        didYouMean(callee.span, callee.text, [...Object.keys(MODULES), ...blocks]),
      );
      return undefined;
    }
  }
  fail(
    frame,
    'HYB3033',
    value.span,
    { name: name.text },
    { expected: 'linear(…), conv1d(…) or a block', found: printExpression(value) },
  );
  return undefined;
}

function linearModule(statement: ParamStatement, call: Call, frame: Frame): Module | undefined {
  const attribute = initAttribute(statement.attributes, frame);
  const bound = bindArguments(MODULES.linear, call.arguments, frame);
  if (bound === undefined) {
    const written = call.arguments[0]?.value;
    if (written?.kind === 'Arrow') arrowDims(written, frame);
    return undefined;
  }
  const [map] = bound.bound.get('map') ?? [];
  if (map === undefined) {
    reportMissing(MODULES.linear, ['from -> to'], call.span, frame);
    return undefined;
  }
  const bias = flag(bound.bound.get('bias'), 'bias', frame);
  const sigma = flag(bound.bound.get('sigma'), 'sigma', frame);
  if (map.value.kind !== 'Arrow') {
    if (map.value.kind !== 'ErrorExpression') {
      fail(
        frame,
        'HYB3007',
        map.value.span,
        { what: "The first argument of 'linear'", expected: 'from -> to' },
        { expected: 'from -> to', found: printExpression(map.value) },
      );
    }
    return undefined;
  }
  const sides = arrowDims(map.value, frame);
  const init = attribute?.arguments[0] === undefined ? undefined : initializer(attribute.arguments[0].value, frame);
  if (sides === undefined || bias === undefined || sigma === undefined) return undefined;
  const { from, to } = sides;
  const weightDims = [...to, ...from];
  if (!checkProduct(weightDims, call.span, frame)) return undefined;
  const weight = declare(
    frame,
    statement,
    'weight',
    weightDims,
    init ?? { kind: 'normal', std: DEFAULT_STD },
    'matrix',
  );
  frame.unit.rows.set(weight.path, to.length);
  const zero: Initializer = { kind: 'constant', value: 0 };
  const one: Initializer = { kind: 'constant', value: 1 };
  return {
    kind: 'linear',
    from,
    to,
    weight,
    ...(bias && { bias: declare(frame, statement, 'bias', to, zero, 'vector') }),
    ...(sigma && { gamma: declare(frame, statement, 'gamma', [], one, 'vector') }),
  };
}

/** `width -> inner`, `(heads, head_dim) -> width`. */
function arrowDims(
  { from, to, span }: Arrow,
  frame: Frame,
): { readonly from: readonly SizedDim[]; readonly to: readonly SizedDim[] } | undefined {
  const side = (expression: Expression): readonly SizedDim[] | undefined => {
    const parts = expression.kind === 'Tuple' ? expression.elements : [expression];
    const dims = parts.map((part) => resolveDim(part, frame));
    const complete = dims.flatMap((d) => (d === undefined ? [] : [d]));
    if (complete.length < dims.length) return undefined;
    const timed = complete.find((d) => d.extent === 'time');
    if (timed !== undefined) return fail(frame, 'HYB3023', timed.span ?? span, {});
    const twice = complete.find((d, i) => complete.some((e, j) => j < i && e.name === d.name));
    if (twice !== undefined) return fail(frame, 'HYB3017', twice.span ?? span, { name: twice.name });
    return complete;
  };
  const [a, b] = [side(from), side(to)];
  if (a === undefined || b === undefined) return undefined;
  if (a.length === 0 || b.length === 0) {
    return fail(frame, 'HYB3007', span, { what: "Each side of 'linear'", expected: 'one or more dimensions' });
  }
  return { from: a, to: b };
}

function convolutionModule(statement: ParamStatement, call: Call, frame: Frame): Module | undefined {
  const attribute = initAttribute(statement.attributes, frame);
  const bound = bindArguments(MODULES.conv1d, call.arguments, frame);
  if (bound === undefined) return undefined;
  if (bound.missing.length > 0) {
    reportMissing(MODULES.conv1d, bound.missing, call.span, frame);
    return undefined;
  }
  const channels = resolveDim(bound.bound.get('channels')![0]!.value, frame);
  const size = bound.bound.get('kernel')![0]!.value;
  const kernel = evaluate(size, frame);
  const bias = flag(bound.bound.get('bias'), 'bias', frame);
  if (kernel.kind !== 'number' && kernel.kind !== 'failed') {
    fail(
      frame,
      'HYB3007',
      size.span,
      { what: "'kernel' of 'conv1d'", expected: 'a whole number' },
      { expected: 'a whole number', found: describe(kernel) },
    );
  }
  if (channels === undefined || bias === undefined || kernel.kind !== 'number') return undefined;
  if (!checkSize(kernel.value, size, frame)) return undefined;
  if (channels.extent === 'time') return fail(frame, 'HYB3023', channels.span ?? call.span, {});
  const taps = { name: 'kernel', extent: kernel.value };
  if (!checkProduct([channels, taps], call.span, frame)) return undefined;
  const init = attribute?.arguments[0] === undefined ? undefined : initializer(attribute.arguments[0].value, frame);
  const bound1 = kernel.value ** -0.5;
  return {
    kind: 'conv1d',
    channels,
    kernel: kernel.value,
    weight: declare(
      frame,
      statement,
      'weight',
      [channels, taps],
      init ?? { kind: 'kaiming_uniform', fan_in: kernel.value },
      'vector',
    ),
    // PyTorch's initialization of a convolution's bias.
    ...(bias && {
      bias: declare(frame, statement, 'bias', [channels], { kind: 'uniform', low: -bound1, high: bound1 }, 'vector'),
    }),
  };
}

function checkProduct(dims: readonly Dim[], span: Span, frame: Frame): boolean {
  const elements = dims.reduce((n, d) => (d.extent === 'time' ? n : n * d.extent), 1);
  if (Number.isSafeInteger(elements)) return true;
  fail(frame, 'HYB3016', span, { what: 'the number of weights' });
  return false;
}

function flag(argument: readonly Argument[] | undefined, name: string, frame: Frame): boolean | undefined {
  if (argument === undefined) return false;
  const value = evaluate(argument[0]!.value, frame);
  if (value.kind === 'boolean') return value.value;
  if (value.kind === 'failed') return undefined;
  return fail(
    frame,
    'HYB3007',
    argument[0]!.value.span,
    { what: `'${name}'`, expected: 'true or false' },
    { expected: 'true or false', found: describe(value) },
  );
}

/** Notes the parameter; it becomes part of the graph when it is first read. */
function declare(
  frame: Frame,
  { name }: ParamStatement,
  part: string,
  dims: readonly Dim[],
  init: Initializer,
  role: GraphParameter['role'],
): GraphParameter {
  const path = `${frame.path}${name.text}${part === '' ? '' : `.${part}`}`;
  frame.unit.declared.set(path, { name: name.text, span: name.span, norm: frame.norm !== undefined });
  return { path, type: tensor(dims.map(plainDim)), init, role };
}

function initAttribute(attributes: readonly Attribute[], frame: Frame): Attribute | undefined {
  return checkAttributes(attributes, PARAM_ATTRIBUTES, frame).find((a) => a.name.text === 'init');
}

/** The attributes that there are; reports others, and ones that stand twice. */
function checkAttributes(
  attributes: readonly Attribute[],
  known: readonly string[],
  frame: Frame,
): readonly Attribute[] {
  const good: Attribute[] = [];
  for (const attribute of attributes) {
    const { name } = attribute;
    const earlier = good.find((a) => a.name.text === name.text);
    if (!known.includes(name.text)) {
      const details = { ...didYouMean(name.span, name.text, known), expected: listNames(known.map((k) => `@${k}`)) };
      fail(frame, 'HYB3044', name.span, { name: name.text }, known.length === 0 ? {} : details);
    } else if (earlier !== undefined) {
      fail(
        frame,
        'HYB3006',
        attribute.span,
        { name: `@${name.text}` },
        { related: [{ span: earlier.span, message: 'the other one' }] },
      );
    } else if (attribute.arguments.length !== 1) {
      fail(
        frame,
        'HYB3003',
        attribute.span,
        { callee: `@${name.text}`, expected: '1 argument' },
        { expected: '1 argument', found: `${attribute.arguments.length}` },
      );
    } else good.push(attribute);
  }
  return good;
}
