/** Dimensions as written become dimensions of tensors; shapes are matched with tensors. */
import type { Expression, Shape, ShapeDim, Span } from '@hyb/grammar';
import { didYouMean, listNames } from '../../diagnostics/suggest.js';
import { TIME } from '../../graph/types.js';
import type { Dim } from '../../graph/types.js';
import { describeDim, describeDims, describeSizes, printExpression, printShape } from './describe.js';
import { evaluate, unknownName } from './expression.js';
import { tensorNode } from './operators.js';
import { addTensor, bind, dimName, fail, lookup } from './frame.js';
import type { Frame } from './frame.js';
import { FAILED, describe, typeOf } from './values.js';
import type { SizedDim, TensorValue, Value } from './values.js';

/** A dimension from an expression: `time`, a name with a size, a number, a product. Reports what is none. */
export function resolveDim(expression: ShapeDim, frame: Frame): SizedDim | undefined {
  const { span } = expression;
  if (expression.kind === 'ErrorExpression') return undefined;
  if (expression.kind === 'Ellipsis' || expression.kind === 'Wildcard') {
    return fail(frame, 'HYB3018', span, { what: expression.kind === 'Ellipsis' ? '...' : '_' });
  }
  if (expression.kind === 'Name') {
    if (expression.text === 'time') return { ...TIME, anonymous: false, span };
    const binding = lookup(frame, expression.text);
    if (binding?.kind === 'dim') {
      return { ...binding.dim, anonymous: false, span };
    }
    if (binding === undefined && frame.scope.lookup(expression.text) === undefined) {
      unknownName(expression, frame, localDims(frame));
      return undefined;
    }
  }
  const value = evaluate(expression, frame);
  if (value.kind === 'failed') return undefined;
  if (value.kind !== 'number') {
    return fail(
      frame,
      'HYB3007',
      span,
      { what: 'A dimension', expected: 'a whole number' },
      { expected: 'a whole number', found: describe(value) },
    );
  }
  if (!checkSize(value.value, expression, frame)) return undefined;
  if (expression.kind === 'Name')
    return { name: dimName(frame, expression.text), extent: value.value, anonymous: false, span };
  return { name: dimName(frame, printExpression(expression)), extent: value.value, anonymous: true, span };
}

/** Whether a size is a positive whole number within reach; reports otherwise. */
export function checkSize(size: number, expression: Expression, frame: Frame): boolean {
  if (Number.isSafeInteger(size) && size > 0) return true;
  if (Number.isInteger(size) && size > 0) {
    fail(frame, 'HYB3016', expression.span, { what: printExpression(expression) });
    return false;
  }
  if (Number.isInteger(size) && hasName(expression)) {
    frame.unit.requirements?.push({ condition: expression });
  }
  fail(
    frame,
    'HYB3015',
    expression.span,
    { what: printExpression(expression) },
    { expected: 'a positive whole number', found: `${size}` },
  );
  return false;
}

function hasName(expression: Expression): boolean {
  switch (expression.kind) {
    case 'Name':
      return true;
    case 'Binary':
      return hasName(expression.left) || hasName(expression.right);
    case 'Unary':
      return hasName(expression.operand);
    default:
      return false;
  }
}

/** Names that can stand in a shape. */
export function localDims(frame: Frame): string[] {
  const own = [...frame.bindings].flatMap(([name, binding]) => (binding.kind === 'dim' ? [name] : []));
  return [...own, ...(frame.parent === undefined ? ['time'] : localDims(frame.parent))];
}

/** The dimensions of a shape without `_`; `...` stands for what the signature matched with it. */
export function resolveShape(shape: Shape, frame: Frame): readonly SizedDim[] | undefined {
  const dims: SizedDim[] = [];
  let complete = true;
  for (const written of shape.dims) {
    const rest = written.kind === 'Ellipsis' ? restOf(frame) : undefined;
    if (rest !== undefined) {
      dims.push(...rest.map((d) => ({ ...d, anonymous: false })));
      continue;
    }
    const resolved = resolveDim(written, frame);
    if (resolved === undefined) complete = false;
    else dims.push(resolved);
  }
  if (!complete) return undefined;
  const twice = dims.find((d, i) => dims.some((e, j) => j < i && e.name === d.name));
  if (twice !== undefined) {
    return fail(
      frame,
      'HYB3017',
      twice.span ?? shape.span,
      { name: twice.name },
      { found: describeDims(dims, frame.unit) },
    );
  }
  if (dims.some((d, i) => d.extent === 'time' && i > 0)) {
    return fail(frame, 'HYB3021', shape.span, {}, { found: describeDims(dims, frame.unit) });
  }
  const elements = dims.reduce((n, d) => (d.extent === 'time' ? n : n * d.extent), 1);
  if (!Number.isSafeInteger(elements))
    return fail(frame, 'HYB3016', shape.span, { what: `the size of ${printShape(shape)}` });
  return dims;
}

function restOf(frame: Frame): readonly Dim[] | undefined {
  return frame.rest ?? (frame.parent === undefined ? undefined : restOf(frame.parent));
}

/** How the dimensions matched by a signature go on: what the caller's names are bound to. */
export interface Matched {
  readonly rest?: readonly Dim[];
}

/**
 * Matches an input's declared shape with the tensor given for it: names that are bound must have the tensor's sizes and
 * from then on stand for its dimensions; free names are bound to what they meet.
 */
export function matchShape(
  shape: Shape,
  dims: readonly Dim[],
  frame: Frame,
  place: { readonly span: Span; readonly what: string },
): Matched | undefined {
  const at = shape.dims.findIndex((d) => d.kind === 'Ellipsis');
  const fixed = shape.dims.length - (at < 0 ? 0 : 1);
  const mismatch = (related?: { readonly span: Span; readonly message: string }): undefined =>
    fail(
      frame,
      'HYB3010',
      place.span,
      { what: place.what },
      {
        expected: expectedShape(shape, frame),
        found: describeDims(dims, frame.unit),
        related: related === undefined ? [{ span: shape.span, message: 'declared here' }] : [related],
      },
    );
  if (at < 0 ? dims.length !== fixed : dims.length < fixed) return mismatch();
  const rest = at < 0 ? undefined : dims.slice(at, dims.length - (fixed - at));
  for (const [i, written] of shape.dims.entries()) {
    if (written.kind === 'Ellipsis' || written.kind === 'Wildcard' || written.kind === 'ErrorExpression') continue;
    const found = dims[at >= 0 && i > at ? i + dims.length - shape.dims.length : i]!;
    if (written.kind !== 'Name') {
      const wanted = resolveDim(written, frame);
      if (wanted === undefined) return undefined;
      if (wanted.extent !== found.extent) return mismatch();
      continue;
    }
    if (written.text === 'time') {
      if (found.extent !== 'time') return mismatch();
      continue;
    }
    if (found.extent === 'time') return mismatch();
    const binding = frame.bindings.get(written.text) ?? outerSize(frame, written.text);
    if (binding === undefined) {
      bind(frame, written, { kind: 'dim', dim: found, span: written.span });
      continue;
    }
    if (binding.kind !== 'dim') return mismatch();
    if (binding.dim.extent !== found.extent) {
      return mismatch(binding.span && { span: binding.span, message: `${describeDim(binding.dim, frame.unit)} here` });
    }
    frame.bindings.set(written.text, { ...binding, dim: found });
  }
  return rest === undefined ? {} : { rest };
}

function outerSize(frame: Frame, name: string): ReturnType<typeof lookup> {
  return frame.parent === undefined ? undefined : lookup(frame.parent, name);
}

function expectedShape(shape: Shape, frame: Frame): string {
  const dims = shape.dims.map((d) => {
    if (d.kind === 'Ellipsis') return '...';
    if (d.kind === 'Wildcard') return '_';
    const binding = d.kind === 'Name' ? lookup(frame, d.text) : undefined;
    if (binding?.kind !== 'dim') return printExpression(d);
    return describeDim({ name: (d as { text: string }).text, extent: binding.dim.extent }, frame.unit);
  });
  return `[${dims.join(', ')}]`;
}

/** Checks a body's result against the declared shape. */
export function checkResult(shape: Shape, value: TensorValue, frame: Frame, span: Span): boolean {
  const wanted = resolveShape(shape, frame);
  if (wanted === undefined) return false;
  const { dims } = typeOf(value);
  const fits =
    wanted.length === dims.length &&
    wanted.every((d, i) => d.extent === dims[i]!.extent && (d.anonymous || d.name === dims[i]!.name));
  if (fits) return true;
  fail(
    frame,
    'HYB3010',
    span,
    { what: `The result of '${frame.name}'` },
    {
      expected: describeDims(wanted, frame.unit),
      found: describeDims(dims, frame.unit),
      related: [{ span: shape.span, message: 'declared here' }],
      fixes: reshapeFix(dims, wanted, span, shape),
    },
  );
  return false;
}

/** `(… as [time, inner])`, where the number of elements is right. */
function reshapeFix(found: readonly Dim[], wanted: readonly Dim[], span: Span, shape: Shape) {
  const size = (dims: readonly Dim[]): number => dims.reduce((n, d) => (d.extent === 'time' ? n : n * d.extent), 1);
  if (size(found) !== size(wanted) || sameNames(found, wanted)) return [];
  return [reshapingFix(span, printShape(shape))];
}

export function sameNames(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((d) => b.some((e) => e.name === d.name));
}

export function reshapingFix(span: Span, shape: string) {
  return {
    title: `Write \`as ${shape}\``,
    edits: [
      { span: { ...span, end: span.start }, text: '(' },
      { span: { ...span, start: span.end }, text: ` as ${shape})` },
    ],
  };
}

/** The dimension of a tensor that an expression names, as reductions need it. */
export function dimOf(expression: Expression, dims: readonly Dim[], frame: Frame): Dim | undefined {
  if (expression.kind === 'ErrorExpression') return undefined;
  const binding = expression.kind === 'Name' ? lookup(frame, expression.text) : undefined;
  const text = printExpression(expression);
  const name = binding?.kind === 'dim' ? binding.dim.name : text;
  const found = dims.find((d) => d.name === name) ?? dims.find((d) => d.name === text);
  if (found !== undefined) return found;
  const names = dims.flatMap((d) => (d.extent === 'time' ? [] : [d.name]));
  return fail(
    frame,
    'HYB3011',
    expression.span,
    { name: text },
    {
      ...didYouMean(expression.span, text, names),
      expected: listNames(names),
      found: text,
    },
  );
}

/** `x as [time, heads, head_dim]`. */
export function reshape(value: Value, shape: Shape, frame: Frame, span: Span): Value {
  const wanted = resolveShape(shape, frame);
  if (value.kind === 'failed' || wanted === undefined) return FAILED;
  if (value.kind !== 'tensor' || value.tape !== frame.tape) {
    const imported = value.kind === 'tensor' ? importTensor(value, frame, span) : undefined;
    if (imported !== undefined) return reshape(imported, shape, frame, span);
    if (value.kind !== 'tensor') {
      fail(
        frame,
        'HYB3007',
        span,
        { what: 'This', expected: 'a tensor' },
        { expected: 'a tensor', found: describe(value) },
      );
    }
    return FAILED;
  }
  const { dims } = typeOf(value);
  const elements = (all: readonly Dim[]): number => all.reduce((n, d) => (d.extent === 'time' ? n : n * d.extent), 1);
  const timed = (all: readonly Dim[]): boolean => all.some((d) => d.extent === 'time');
  const details = { expected: describeSizes(dims, frame.unit), found: describeSizes(wanted, frame.unit) };
  if (elements(dims) !== elements(wanted) || timed(dims) !== timed(wanted)) {
    fail(frame, 'HYB3013', span, { shape: printShape(shape) }, details);
    return FAILED;
  }
  // A dimension that stays must stay where it is: otherwise its elements would change places unnoticed.
  const before = (all: readonly Dim[], name: string): number =>
    elements(
      all.slice(
        0,
        all.findIndex((d) => d.name === name),
      ),
    );
  if (dims.some(({ name }) => wanted.some((d) => d.name === name) && before(dims, name) !== before(wanted, name))) {
    fail(frame, 'HYB3019', span, {}, details);
    return FAILED;
  }
  if (sameNames(dims, wanted)) return value;
  return addTensor(frame, 'reshape', [value.node], { dims: wanted.map(plainDim) }, span);
}

export function plainDim({ name, extent }: Dim): Dim {
  return { name, extent };
}

/** A tensor of the layer as a value of the frame's own tape. */
function importTensor(value: TensorValue, frame: Frame, span: Span): TensorValue | undefined {
  const node = tensorNode(value, frame, span);
  return node === undefined ? undefined : { kind: 'tensor', tape: frame.tape, node };
}
