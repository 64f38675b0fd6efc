/** The state of elaboration: what is being built, and what names mean at a place in a body. */
import type { DiagnosticDetails, Expression, Span } from '@hyb/grammar';
import type { Diagnostics } from '../../diagnostics/collector.js';
import type { GraphParameter, NodeId } from '../../graph/graph.js';
import { elementsPerToken } from '../../graph/types.js';
import type { Dim, TensorType } from '../../graph/types.js';
import type { OpAttributes, OpName } from '../../ops/attributes.js';
import { ShapeError } from '../../ops/op.js';
import type { NormInstance, Scope } from '../../model/model.js';
import { report } from '../messages/report.js';
import type { ReportArguments, TraceCode } from '../messages/report.js';
import type { Rounder } from '../rounding.js';
import type { GenericSizes } from '../generic/sizes.js';
import { readOuter } from './tape.js';
import type { LayerTape, Tape } from './tape.js';
import type { TensorValue, Value } from './values.js';

/** One elaboration of one block instance: a layer, the embedding's or the head's norm, or a generic check. */
export interface Unit {
  readonly diagnostics: Diagnostics;
  readonly layer: LayerTape;
  readonly rounder: Rounder;
  readonly width: number;
  /** Where the block was given its arguments; errors inside the block point back to it. */
  readonly instance?: Span;
  /** Names of the sample sizes, where a block is checked for all its arguments. */
  readonly generic?: GenericSizes;
  /** Requirements that did not hold, where a generic check looks for sizes that fulfil them. */
  readonly requirements?: Requirement[];
  /** Parameters in the order of their declaration, by path. */
  readonly declared: Map<string, DeclaredParameter>;
  /** Whether a requirement did not hold. */
  readonly unmet: { some: boolean };
  /** Applications of functions and blocks so far. */
  readonly expanded: { count: number; outermost?: { readonly name: string; readonly span: Span } };
  /** Number of leading dimensions of each linear map's weight that are its outputs, by path. */
  readonly rows: Map<string, number>;
  /** Looks on, for those who ask what something in a body is. */
  readonly observer?: Observer;
}

export interface Observer {
  /** An expression of a body has this value. */
  value(expression: Expression, value: Value, frame: Frame): void;
  /** A name of a body means this. */
  binding(place: Span, binding: Binding, frame: Frame): void;
}

/** What sizes have to fulfil: a condition that must hold, or an expression that must be a size. */
export interface Requirement {
  readonly condition: Expression;
}

export interface DeclaredParameter {
  readonly name: string;
  readonly span: Span;
  /** It belongs to a norm. */
  readonly norm: boolean;
}

export type Binding =
  | { readonly kind: 'value'; readonly value: Value; readonly span?: Span }
  /** A named size: a number and, in shapes, a dimension. */
  | { readonly kind: 'dim'; readonly dim: Dim; readonly span?: Span }
  | { readonly kind: 'parameter'; readonly parameter: GraphParameter; readonly span: Span }
  /** A parameter whose `when` is false. */
  | { readonly kind: 'absent'; readonly span: Span };

/** The names of one body. Scans have a frame of their own inside the block's or function's. */
export interface Frame {
  readonly unit: Unit;
  readonly owner: 'block' | 'norm' | 'function' | 'scan';
  /** How messages call the owner. */
  readonly name: string;
  readonly scope: Scope;
  readonly parent?: Frame;
  readonly tape: Tape;
  readonly bindings: Map<string, Binding>;
  /** Prefix of parameter paths: `''`, `gated.`, `qk.queries.`. */
  readonly path: string;
  /** Inside a norm, its slot: `pre`, `qk.queries`; in norms of norms the outermost. */
  readonly norm?: string;
  /** Names of dimensions that the arguments brought along: local dimensions of these names get others. */
  readonly taken: ReadonlySet<string>;
  /** What `...` in the signature stands for. */
  readonly rest?: readonly Dim[];
  /** Declarations being elaborated, to find recursion. */
  readonly open: readonly object[];
  /** How often the body applies each slot. */
  readonly applications: ReadonlyMap<string, number>;
  /** Slots as the model fills them; absent: the block's own default. */
  readonly slots: Readonly<Record<string, NormInstance | null>>;
  /** The `let` being elaborated and the applications in it so far: where repeated slots get their paths from. */
  readonly place: { name: string; readonly used: Map<string, number> };
}

export function lookup(frame: Frame, name: string): Binding | undefined {
  return frame.bindings.get(name) ?? (frame.parent === undefined ? undefined : lookup(frame.parent, name));
}

export function localNames(frame: Frame): string[] {
  return [...frame.bindings.keys(), ...(frame.parent === undefined ? [] : localNames(frame.parent))];
}

/** Binds a name; reports one that is bound already. */
export function bind(frame: Frame, name: { readonly text: string; readonly span: Span }, binding: Binding): void {
  const earlier = frame.bindings.get(name.text);
  frame.unit.observer?.binding(name.span, binding, frame);
  if (earlier === undefined) {
    frame.bindings.set(name.text, binding);
    return;
  }
  const related = earlier.span === undefined ? [] : [{ span: earlier.span, message: 'the other one' }];
  fail(frame, 'HYB3024', name.span, { name: name.text }, { related });
}

/** Findings that follow from sizes: of a block whose requirements are not met they say nothing new. */
const OF_SIZES: ReadonlySet<TraceCode> = new Set<TraceCode>([
  'HYB3010',
  'HYB3012',
  'HYB3013',
  'HYB3015',
  'HYB3016',
  'HYB3039',
  'HYB3064',
  'HYB3065',
  'HYB3066',
]);

/** Adds a finding, with the place of the instance that led here. */
export function fail<K extends TraceCode>(
  frame: Pick<Frame, 'unit'>,
  code: K,
  span: Span,
  values: ReportArguments<K>,
  details: DiagnosticDetails = {},
): undefined {
  const { diagnostics, instance, unmet } = frame.unit;
  if (unmet.some && OF_SIZES.has(code)) return undefined;
  const outside =
    instance !== undefined &&
    !(instance.file === span.file && instance.start <= span.start && span.end <= instance.end);
  const related = [
    ...(details.related ?? []),
    ...(outside ? [{ span: instance, message: 'with these arguments' }] : []),
  ];
  diagnostics.add(report(code, span, values, { ...details, related }));
  return undefined;
}

/** The tensor's node on the frame's tape: values of the layer are read into a scan's body if they do not vary over time. */
export function nodeOf(value: TensorValue, frame: Frame): NodeId {
  const { tape } = frame;
  if (value.tape === tape) return value.node;
  if (tape.kind === 'scan' && value.tape === tape.outer) return readOuter(tape, value.node);
  // Names of a scan's body end with it, so no value of it is seen outside.
  throw new Error('a value of another scan');
}

export function parameterNode(parameter: GraphParameter, frame: Frame): TensorValue {
  const { layer } = frame.unit;
  return { kind: 'tensor', tape: layer, node: layer.builder.parameter(parameter) };
}

/** Appends a node; a misfit that no earlier check explained better is reported as the op tells it. */
export function addNode<N extends OpName>(
  frame: Frame,
  op: N,
  inputs: readonly NodeId[],
  attributes: OpAttributes[N],
  span: Span,
  label?: string,
): NodeId | undefined {
  try {
    const node = frame.tape.builder.add(op, inputs, attributes, {
      origin: span,
      ...(label !== undefined && { label }),
    });
    const type = frame.tape.builder.typeOf(node);
    if (Number.isSafeInteger(elementsPerToken(type))) return node;
    return fail(frame, 'HYB3016', span, { what: 'the number of elements' });
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    // Sample sizes of a generic check mean nothing to the reader.
    const text = (part: string): string => (frame.unit.generic === undefined ? part : part.replace(/: \d+/g, ''));
    const { expected, found } = error.detail;
    const details = {
      ...(expected !== undefined && { expected: text(expected) }),
      ...(found !== undefined && { found: text(found) }),
    };
    return fail(frame, 'HYB3040', span, { message: text(error.message) }, details);
  }
}

/** `addNode` as a value. */
export function addTensor<N extends OpName>(
  frame: Frame,
  op: N,
  inputs: readonly NodeId[],
  attributes: OpAttributes[N],
  span: Span,
  label?: string,
): Value {
  const node = addNode(frame, op, inputs, attributes, span, label);
  return node === undefined ? { kind: 'failed' } : { kind: 'tensor', tape: frame.tape, node };
}

/** Functions that call functions twice grow as powers of two; no block that a person writes comes near. */
const LARGEST_EXPANSION = 2000;

/** Counts an application; false, with one finding at the outermost call, where a unit has too many. */
export function expand(frame: Pick<Frame, 'unit' | 'open'>, name: string, span: Span): boolean {
  const { expanded } = frame.unit;
  if (frame.open.length <= 1) expanded.outermost = { name, span };
  expanded.count++;
  if (expanded.count === LARGEST_EXPANSION) {
    const { outermost } = expanded;
    fail(frame, 'HYB3069', outermost?.span ?? span, { name: outermost?.name ?? name, limit: LARGEST_EXPANSION });
  }
  return expanded.count < LARGEST_EXPANSION;
}

export function nodeType(frame: Frame, node: NodeId): TensorType {
  return frame.tape.builder.typeOf(node);
}

/** A name for a local dimension that no dimension of the arguments has. */
export function dimName(frame: Pick<Frame, 'taken'>, name: string): string {
  let free = name;
  for (let n = 2; frame.taken.has(free); n++) free = `${name}_${n}`;
  return free;
}
