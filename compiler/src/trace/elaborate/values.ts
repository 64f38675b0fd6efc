/** What an expression of a body can stand for while it is elaborated. */
import type { BlockDeclaration, Span } from '@hyb/grammar';
import type { GraphParameter, NodeId } from '../../graph/graph.js';
import type { Dim, TensorType } from '../../graph/types.js';
import type { Constant, FunctionValue, NormInstance, Scope } from '../../model/model.js';
import type { Tape } from './tape.js';

export type NumberValue = Extract<Constant, { kind: 'number' }>;

/** A tensor of the graph (or of the scan's body) under construction. */
export interface TensorValue {
  readonly kind: 'tensor';
  readonly tape: Tape;
  readonly node: NodeId;
}

/** A tuple some element of which is no constant. */
export interface TupleValue {
  readonly kind: 'values';
  readonly elements: readonly Value[];
}

/** `param up = linear(…)`, `param mix = conv1d(…)` or a block inside the block: applied like a function. */
export interface ModuleValue {
  readonly kind: 'module';
  readonly name: string;
  readonly module: Module;
  readonly span: Span;
}

export type Module =
  | LinearModule
  | ConvolutionModule
  | {
      readonly kind: 'block';
      readonly declaration: BlockDeclaration;
      readonly scope: Scope;
      readonly arguments: Readonly<Record<string, Constant>>;
    };

export interface LinearModule {
  readonly kind: 'linear';
  readonly from: readonly SizedDim[];
  readonly to: readonly SizedDim[];
  readonly weight: GraphParameter;
  readonly bias?: GraphParameter;
  /** Learned scale of a weight whose spectral norm is divided out. */
  readonly gamma?: GraphParameter;
}

export interface ConvolutionModule {
  readonly kind: 'conv1d';
  readonly channels: SizedDim;
  readonly kernel: number;
  readonly weight: GraphParameter;
  readonly bias?: GraphParameter;
}

/** A dimension as written. An anonymous one (`2 * inner`, `4`) goes by its size and its place. */
export interface SizedDim extends Dim {
  readonly anonymous: boolean;
  readonly span?: Span;
}

export interface SlotValue {
  readonly kind: 'slot';
  readonly name: string;
  readonly span: Span;
  /** null: empty, so the argument is passed on. */
  readonly norm: NormInstance | null;
  /** The body applies it more than once, so each place has weights of its own. */
  readonly repeated: boolean;
}

/** What could not be elaborated and has been reported; everything made of it is silent. */
export interface FailedValue {
  readonly kind: 'failed';
}

export type Value = Constant | TensorValue | TupleValue | ModuleValue | SlotValue | FailedValue;

export const FAILED: FailedValue = { kind: 'failed' };
export const NONE: Constant = { kind: 'none' };

export function integer(value: number): NumberValue {
  return { kind: 'number', value, integer: true };
}

export function float(value: number): NumberValue {
  return { kind: 'number', value, integer: false };
}

export function boolean(value: boolean): Constant {
  return { kind: 'boolean', value };
}

export function isConstant(value: Value): value is Constant {
  switch (value.kind) {
    case 'tensor':
    case 'values':
    case 'module':
    case 'slot':
    case 'failed':
      return false;
    default:
      return true;
  }
}

export function typeOf(value: TensorValue): TensorType {
  return value.tape.builder.typeOf(value.node);
}

/** A tuple of whatever elements; a constant if they all are. */
export function tuple(elements: readonly Value[]): Value {
  if (elements.some((e) => e.kind === 'failed')) return FAILED;
  return elements.every(isConstant) ? { kind: 'tuple', elements } : { kind: 'values', elements };
}

/** The elements of a tuple of either kind. */
export function elementsOf(value: Value): readonly Value[] | undefined {
  return value.kind === 'tuple' || value.kind === 'values' ? value.elements : undefined;
}

/** How messages call a value: `a number`, `a tensor`. */
export function describe(value: Value): string {
  switch (value.kind) {
    case 'number':
      return value.integer ? 'a whole number' : 'a number';
    case 'boolean':
      return `${value.value}`;
    case 'string':
      return 'a string';
    case 'none':
      return 'none';
    case 'tuple':
    case 'values':
      return `a tuple of ${value.elements.length}`;
    case 'function':
      return `the function '${functionName(value)}'`;
    case 'norm':
      return `the norm '${value.declaration.name.text}'`;
    case 'tensor':
      return 'a tensor';
    case 'module':
      return `the parameter '${value.name}'`;
    case 'slot':
      return `the slot '${value.name}'`;
    case 'failed':
      return 'an error';
  }
}

export function functionName({ callee }: FunctionValue): string {
  return 'builtin' in callee ? callee.builtin : callee.declaration.name.text;
}

export function sameConstant(a: Constant, b: Constant): boolean {
  if (a.kind !== b.kind) return false;
  switch (a.kind) {
    case 'none':
      return true;
    case 'number':
    case 'boolean':
    case 'string':
      return a.value === (b as typeof a).value;
    case 'tuple': {
      const other = (b as typeof a).elements;
      return a.elements.length === other.length && a.elements.every((e, i) => sameConstant(e, other[i]!));
    }
    case 'function': {
      const other = b as typeof a;
      return functionName(a) === functionName(other) && sameArguments(a.arguments, other.arguments);
    }
    case 'norm': {
      const other = b as typeof a;
      return a.declaration === other.declaration && sameArguments(a.arguments, other.arguments);
    }
  }
}

function sameArguments(a: Readonly<Record<string, Constant>>, b: Readonly<Record<string, Constant>>): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => b[name] !== undefined && sameConstant(a[name]!, b[name]))
  );
}
