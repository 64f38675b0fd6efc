/** Element-wise functions. Of numbers they are numbers, so that they may stand in sizes and options. */
import { BINARY_OPS, UNARY_OPS } from '../../ops/pointwise/table.js';
import type { BinaryName, UnaryName } from '../../ops/attributes.js';
import { evaluate } from '../elaborate/expression.js';
import { addNode, addTensor, fail } from '../elaborate/frame.js';
import { broadcasts, tensorNode } from '../elaborate/operators.js';
import { FAILED, float, integer } from '../elaborate/values.js';
import type { NumberValue, Value } from '../elaborate/values.js';
import type { Builtin, BuiltinCall, BuiltinParameter } from './builtin.js';
import { given, readPair, spanOf } from './read.js';

const x: BuiltinParameter = { name: 'x', kind: 'tensor', doc: 'Any tensor or number.' };

/** Values of the arguments, in the order of the parameters. */
function operands(call: BuiltinCall): readonly Value[] {
  return call.builtin.parameters.flatMap(({ name }) =>
    (call.arguments.get(name) ?? []).map((a) => a.constant ?? evaluate(a.expression!, call.frame)),
  );
}

function numbers(values: readonly Value[]): readonly NumberValue[] | undefined {
  const all = values.flatMap((value) => (value.kind === 'number' ? [value] : []));
  return all.length === values.length ? all : undefined;
}

function folded(call: BuiltinCall, values: readonly NumberValue[], result: number, whole: boolean): Value {
  const infinite = values.some((v) => !Number.isFinite(v.value));
  if (Number.isNaN(result) || (!Number.isFinite(result) && !infinite)) {
    fail(call.frame, 'HYB3041', call.span, {
      operation: `${call.builtin.name}(${values.map((v) => v.value).join(', ')})`,
    });
    return FAILED;
  }
  return whole && Number.isSafeInteger(result) ? integer(result) : float(result);
}

interface UnaryText {
  readonly doc: string;
  readonly example?: string;
  /** Whole for whole arguments. */
  readonly whole?: boolean;
}

function unary(op: UnaryName, { doc, example, whole = false }: UnaryText): Builtin {
  return {
    name: op,
    category: 'pointwise',
    signature: `${op}(x)`,
    doc,
    example: example ?? `return ${op}(x)`,
    parameters: [x],
    apply: (call) => {
      const values = operands(call);
      const constants = numbers(values);
      if (constants !== undefined) {
        const [value] = constants as readonly [NumberValue];
        return folded(call, constants, UNARY_OPS[op].value(value.value), whole || op === 'floor');
      }
      const node = tensorNode(values[0]!, call.frame, spanOf(call, 'x'));
      return node === undefined ? FAILED : addTensor(call.frame, op, [node], {}, call.span);
    },
  };
}

/** The larger or smaller of two or more. */
function extremum(op: Extract<BinaryName, 'max' | 'min'>, doc: string): Builtin {
  return {
    name: op,
    category: 'pointwise',
    signature: `${op}(x, y, …)`,
    doc,
    example: `return ${op}(x, 0)`,
    parameters: [x, { name: 'y', kind: 'tensor', doc: 'One or more others.', rest: true }],
    apply: (call) => {
      const values = operands(call);
      const constants = numbers(values);
      if (constants !== undefined) {
        const result = constants.reduce((a, b) => BINARY_OPS[op].value(a, b.value), constants[0]!.value);
        return folded(
          call,
          constants,
          result,
          constants.every((c) => c.integer),
        );
      }
      let result: number | undefined;
      for (const [i, value] of values.entries()) {
        const span = i === 0 ? spanOf(call, 'x') : (call.arguments.get('y')?.[i - 1]?.span ?? call.span);
        const node = tensorNode(value, call.frame, span);
        if (node === undefined) return FAILED;
        if (result === undefined) result = node;
        else {
          if (!broadcasts(result, node, call.frame, call.span)) return FAILED;
          result = addNode(call.frame, op, [result, node], {}, call.span);
          if (result === undefined) return FAILED;
        }
      }
      return { kind: 'tensor', tape: call.frame.tape, node: result! };
    },
  };
}

const ceil: Builtin = {
  name: 'ceil',
  category: 'pointwise',
  signature: 'ceil(x)',
  doc: 'Smallest whole number not below x.',
  example: 'return ceil(x)',
  parameters: [x],
  apply: (call) => {
    const values = operands(call);
    const constants = numbers(values);
    if (constants !== undefined) return folded(call, constants, Math.ceil(constants[0]!.value), true);
    const node = tensorNode(values[0]!, call.frame, spanOf(call, 'x'));
    const negated = node === undefined ? undefined : addNode(call.frame, 'neg', [node], {}, call.span);
    const floored = negated === undefined ? undefined : addNode(call.frame, 'floor', [negated], {}, call.span);
    return floored === undefined ? FAILED : addTensor(call.frame, 'neg', [floored], {}, call.span);
  },
};

const round: Builtin = {
  name: 'round',
  category: 'pointwise',
  signature: 'round(x)',
  doc: 'Nearest whole number; halves go up.',
  example: 'return round(x)',
  parameters: [x],
  apply: (call) => {
    const values = operands(call);
    const constants = numbers(values);
    if (constants !== undefined) return folded(call, constants, Math.floor(constants[0]!.value + 0.5), true);
    const { frame } = call;
    const node = tensorNode(values[0]!, frame, spanOf(call, 'x'));
    const shifted =
      node === undefined ? undefined : addNode(frame, 'add', [node, frame.tape.builder.constant(0.5)], {}, call.span);
    return shifted === undefined ? FAILED : addTensor(frame, 'floor', [shifted], {}, call.span);
  },
};

const where: Builtin = {
  name: 'where',
  category: 'pointwise',
  signature: 'where(condition, x, y)',
  doc: 'x where the condition holds, y elsewhere, element by element.',
  example: 'return where(x > 0, x, 0.1 * x)',
  parameters: [
    { name: 'condition', kind: 'tensor', doc: 'A comparison of tensors.' },
    x,
    { name: 'y', kind: 'tensor', doc: 'The other value.' },
  ],
  apply: (call) => {
    const [condition, ...values] = operands(call);
    const { frame } = call;
    const nodes = [condition!, ...values].map((value, i) =>
      value.kind === 'boolean' ? undefined : tensorNode(value, frame, spanOf(call, ['condition', 'x', 'y'][i]!)),
    );
    if (condition!.kind === 'boolean') {
      fail(
        frame,
        'HYB3007',
        spanOf(call, 'condition'),
        { what: "'condition' of 'where'", expected: 'a comparison of tensors' },
        {
          expected: 'a comparison of tensors',
          found: 'a compile-time condition, for which there is `if … then … else`',
        },
      );
      return FAILED;
    }
    const [c, a, b] = nodes;
    if (c === undefined || a === undefined || b === undefined) return FAILED;
    if (!broadcasts(a, b, frame, call.span) || !broadcasts(c, a, frame, call.span)) return FAILED;
    return addTensor(frame, 'where', [c, a, b], {}, call.span);
  },
};

const clamp: Builtin = {
  name: 'clamp',
  category: 'pointwise',
  signature: 'clamp(x, low, high) or clamp(x, (low, high))',
  doc: 'x within the limits. Limits are numbers; `inf` and `-inf` limit nothing.',
  example: 'return clamp(x, -1, inf)',
  parameters: [
    x,
    { name: 'low', kind: 'float', doc: 'The lower limit, or both as a pair.' },
    { name: 'high', kind: 'float', doc: 'The upper limit.', default: { kind: 'none' } },
  ],
  apply: (call) => {
    const limits = readLimits(call);
    const argument = given(call, 'x')!;
    const value = argument.constant ?? evaluate(argument.expression!, call.frame);
    if (limits === undefined) return FAILED;
    const [low, high] = limits;
    if (low > high) {
      fail(call.frame, 'HYB3062', spanOf(call, 'low'), { low, high });
      return FAILED;
    }
    if (value.kind === 'number') return { ...value, value: Math.min(Math.max(value.value, low), high) };
    let node = tensorNode(value, call.frame, argument.span);
    const { builder } = call.frame.tape;
    if (node !== undefined && low > -Infinity)
      node = addNode(call.frame, 'max', [node, builder.constant(low)], {}, call.span);
    if (node !== undefined && high < Infinity)
      node = addNode(call.frame, 'min', [node, builder.constant(high)], {}, call.span);
    return node === undefined ? FAILED : { kind: 'tensor', tape: call.frame.tape, node };
  },
};

function readLimits(call: BuiltinCall): readonly [number, number] | undefined {
  const high = given(call, 'high');
  if (high === undefined) {
    const pair = readPair(call, 'low');
    return pair === 'none' ? undefined : pair;
  }
  const read = (name: string): number | undefined => {
    const argument = given(call, name)!;
    const value = argument.constant ?? evaluate(argument.expression!, call.frame);
    if (value.kind === 'number') return value.value;
    if (value.kind !== 'failed') {
      fail(
        call.frame,
        'HYB3007',
        argument.span,
        { what: `'${name}' of 'clamp'`, expected: 'a number' },
        { expected: 'a number' },
      );
    }
    return undefined;
  };
  const [a, b] = [read('low'), read('high')];
  return a === undefined || b === undefined ? undefined : [a, b];
}

const position: Builtin = {
  name: 'position',
  category: 'sequence',
  signature: 'position()',
  doc: 'Position of each token in its sequence, counted from 0: a tensor [time].',
  example: 'return x * exp(-0.1 * position())',
  parameters: [],
  apply: (call) => {
    if (call.frame.tape.kind === 'layer') return addTensor(call.frame, 'position', [], {}, call.span);
    fail(call.frame, 'HYB3032', call.span, { what: "'position'" });
    return FAILED;
  },
};

export const POINTWISE: readonly Builtin[] = [
  unary('abs', { doc: 'Absolute value.', whole: true }),
  unary('exp', { doc: 'e to the power x.' }),
  unary('log', { doc: 'Natural logarithm.', example: 'return log(1 + x ** 2)' }),
  unary('sqrt', { doc: 'Square root.', example: 'return sqrt(x ** 2 + 1)' }),
  unary('rsqrt', { doc: 'One over the square root.', example: 'return x * rsqrt(x ** 2 + 1)' }),
  unary('sin', { doc: 'Sine of radians.' }),
  unary('cos', { doc: 'Cosine of radians.' }),
  unary('tanh', { doc: 'Hyperbolic tangent.', example: 'return 50 * tanh(x / 50)' }),
  unary('erf', { doc: 'Error function.' }),
  unary('floor', { doc: 'Largest whole number not above x.', whole: true }),
  unary('sigmoid', { doc: '1 / (1 + exp(-x)).' }),
  unary('softplus', { doc: 'log(1 + exp(x)), without overflow.' }),
  unary('silu', { doc: 'x * sigmoid(x), also called swish.' }),
  unary('relu', { doc: 'max(x, 0).', whole: true }),
  unary('gelu', { doc: 'x times the normal distribution function of x.' }),
  unary('gelu_tanh', { doc: 'The approximation of gelu by tanh.' }),
  ceil,
  round,
  extremum('max', 'The larger of two or more, element by element. Over a dimension: `amax`.'),
  extremum('min', 'The smaller of two or more, element by element. Over a dimension: `amin`.'),
  where,
  clamp,
  position,
];
