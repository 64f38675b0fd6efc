/**
 * Element-wise ops. Each file gives the scalar meaning in f64, the derivative as ops, and what the function is called
 * in the kernel language; shapes, broadcasting and evaluation are the same for all and stand here.
 */
import { tensor } from '../../graph/types.js';
import type { TensorType } from '../../graph/types.js';
import type { NodeBuilder } from '../../graph/builder.js';
import type { NodeId } from '../../graph/graph.js';
import type { BinaryOperator, Intrinsic } from '../../kernel/ir.js';
import type { BinaryName, UnaryName } from '../attributes.js';
import { arrange, shapeOf, sizeOf } from '../layout.js';
import type { OpDefinition } from '../op.js';
import { broadcastDims, requireBool, requireFloat, requireInputs } from '../shape.js';
import { unbroadcast } from './unbroadcast.js';

/** How the kernel language writes the function of its operands, in order. */
export type ScalarForm =
  /** `trailing`: constants that follow the operands, as in `max(x, 0)`. */
  | { readonly form: 'call'; readonly fn: Intrinsic; readonly trailing?: readonly number[] }
  | { readonly form: 'binary'; readonly operator: BinaryOperator }
  | { readonly form: 'prefix'; readonly operator: '-' | '!' }
  | { readonly form: 'select' };

/** What operands and result are. */
export type Domain = 'number' | 'comparison' | 'logic';

interface Pointwise {
  readonly scalar: ScalarForm;
  readonly domain: Domain;
  /** The f64 meaning; truth values are 0 and 1. */
  readonly value: (...operands: number[]) => number;
}

export type UnaryDefinition<N extends UnaryName = UnaryName> = OpDefinition<N> & Pointwise;
export type BinaryDefinition<N extends BinaryName = BinaryName> = OpDefinition<N> & Pointwise;

interface UnaryDescription<N extends UnaryName> {
  readonly name: N;
  readonly doc: string;
  readonly scalar: ScalarForm;
  readonly domain?: Domain;
  readonly value: (x: number) => number;
  /** d result / d x, times `g`. `x`: operand, `y`: result, `g`: gradient of the result. */
  readonly gradient?: (
    builder: NodeBuilder,
    at: { readonly x: NodeId; readonly y: NodeId; readonly g: NodeId },
  ) => NodeId;
}

interface BinaryDescription<N extends BinaryName> {
  readonly name: N;
  readonly doc: string;
  readonly scalar: ScalarForm;
  readonly domain?: Domain;
  readonly value: (a: number, b: number) => number;
  /** Gradients of both operands as if both had the result's shape. */
  readonly gradient?: (
    builder: NodeBuilder,
    at: { readonly a: NodeId; readonly b: NodeId; readonly y: NodeId; readonly g: NodeId },
  ) => readonly [NodeId, NodeId];
}

export function unary<N extends UnaryName>(description: UnaryDescription<N>): UnaryDefinition<N> {
  const { name, doc, scalar, value, gradient, domain = 'number' } = description;
  return {
    name,
    doc,
    scalar,
    domain,
    value: value as (...operands: number[]) => number,
    infer: (inputs) => {
      requireInputs(name, inputs, 1);
      return tensor(inputs[0]!.dims, checkOperands(name, domain, inputs));
    },
    evaluate: ([x]) => ({ shape: x!.shape, data: x!.data.map(value) }),
    ...(gradient !== undefined && {
      gradient: (builder, node, g) => [gradient(builder, { x: node.inputs[0]!, y: node.output, g })],
    }),
  };
}

export function binary<N extends BinaryName>(description: BinaryDescription<N>): BinaryDefinition<N> {
  const { name, doc, scalar, value, gradient, domain = 'number' } = description;
  return {
    name,
    doc,
    scalar,
    domain,
    value: value as (...operands: number[]) => number,
    infer: (inputs) => {
      requireInputs(name, inputs, 2);
      return tensor(broadcastDims(name, inputs), checkOperands(name, domain, inputs));
    },
    evaluate: ([a, b], _attributes, { tokens, types }) => {
      const { dims } = types.output;
      const shape = shapeOf(dims, tokens);
      const left = arrange(a!, types.inputs[0]!.dims, dims, tokens);
      const right = arrange(b!, types.inputs[1]!.dims, dims, tokens);
      const data = new Float64Array(sizeOf(shape));
      for (let i = 0; i < data.length; i++) data[i] = value(left[i]!, right[i]!);
      return { shape, data };
    },
    ...(gradient !== undefined && {
      gradient: (builder, node, g) => {
        const [a, b] = [node.inputs[0]!, node.inputs[1]!];
        const [da, db] = gradient(builder, { a, b, y: node.output, g });
        return [unbroadcast(builder, da, builder.typeOf(a)), unbroadcast(builder, db, builder.typeOf(b))];
      },
    }),
  };
}

/** Checks the operands' formats and gives the result's: numbers are computed in f32 whatever they were rounded to. */
function checkOperands(name: string, domain: Domain, inputs: readonly TensorType[]): 'f32' | 'bool' {
  inputs.forEach((_, i) => {
    if (domain === 'logic') requireBool(name, inputs, i);
    else requireFloat(name, inputs, i);
  });
  return domain === 'number' ? 'f32' : 'bool';
}
