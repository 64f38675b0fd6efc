/** Initial values of parameters. */
import type { Initializer } from '../../graph/graph.js';

export interface InitializerParameter {
  readonly name: string;
  readonly kind: 'float' | 'initializer';
  /** Absent: must be given. NaN stands for "not given" where the value then is another. */
  readonly default?: number;
}

export interface InitializerDefinition {
  readonly signature: string;
  readonly doc: string;
  readonly example: string;
  readonly parameters: readonly InitializerParameter[];
  /** The initializer, or what is wrong with its numbers. */
  readonly make: (numbers: Readonly<Record<string, number>>, of: Initializer | undefined) => Initializer | string;
}

const number = (name: string, fallback?: number): InitializerParameter => ({
  name,
  kind: 'float',
  ...(fallback !== undefined && { default: fallback }),
});

function std({ std: value }: Readonly<Record<string, number>>, kind: 'normal' | 'output'): Initializer | string {
  return value! >= 0 ? { kind, std: value! } : 'a standard deviation is not negative';
}

function applying(fn: 'log' | 'inverse_softplus' | 'neg' | 'exp', doc: string, example: string): InitializerDefinition {
  return {
    signature: `${fn}(initializer)`,
    doc,
    example,
    parameters: [{ name: 'of', kind: 'initializer' }],
    make: (_numbers, of) => ({ kind: 'apply', fn, of: of! }),
  };
}

export const INITIALIZERS = {
  constant: {
    signature: 'constant(value)',
    doc: 'Every element is `value`; a bare number says the same.',
    example: 'param skip: [width] @init(constant(1))',
    parameters: [number('value')],
    make: ({ value }) => ({ kind: 'constant', value: value! }),
  },
  normal: {
    signature: 'normal(std = 0.02)',
    doc: 'Normal distribution around zero; the default of `linear`.',
    example: 'param up = linear(width -> width) @init(normal(0.014))',
    parameters: [number('std', 0.02)],
    make: (numbers) => std(numbers, 'normal'),
  },
  output: {
    signature: 'output(std = 0.02)',
    doc: 'For projections into the residual stream: normal with `std / sqrt(number of layers)`.',
    example: 'param down = linear(width -> width) @init(output)',
    parameters: [number('std', 0.02)],
    make: (numbers) => std(numbers, 'output'),
  },
  uniform: {
    signature: 'uniform(low, high)',
    doc: 'Uniform between the two limits.',
    example: 'param decay: [width] @init(uniform(0.9, 0.999))',
    parameters: [number('low'), number('high')],
    make: ({ low, high }) => (low! <= high! ? { kind: 'uniform', low: low!, high: high! } : 'low is above high'),
  },
  log_uniform: {
    signature: 'log_uniform(low, high, floor = none)',
    doc: 'The logarithm is uniform between those of the limits; nothing comes out under `floor`.',
    example: 'param step: [width] @init(log_uniform(0.001, 0.1, floor = 1e-4))',
    parameters: [number('low'), number('high'), number('floor', NaN)],
    make: ({ low, high, floor }) =>
      low! > 0 && low! <= high!
        ? { kind: 'log_uniform', low: low!, high: high!, ...(!Number.isNaN(floor) && { floor: floor! }) }
        : 'the limits are positive and the first is the lower one',
  },
  kaiming_uniform: {
    signature: 'kaiming_uniform(fan_in)',
    doc: 'Uniform within one over the square root of `fan_in` (He et al. 2015, a = sqrt(5)); the default of `conv1d`.',
    example: 'param mix: [width] @init(kaiming_uniform(4))',
    parameters: [number('fan_in')],
    make: ({ fan_in }) => (fan_in! > 0 ? { kind: 'kaiming_uniform', fan_in: fan_in! } : 'fan_in is positive'),
  },
  log: applying(
    'log',
    'The logarithm of what another initializer gives.',
    'param A_log: [width] @init(log(uniform(1, 16)))',
  ),
  exp: applying(
    'exp',
    'The exponential of what another initializer gives.',
    'param a: [width] @init(exp(normal(0.1)))',
  ),
  neg: applying('neg', 'What another initializer gives, negated.', 'param a: [width] @init(neg(uniform(0.1, 1)))'),
  inverse_softplus: applying(
    'inverse_softplus',
    'What `softplus` maps to the samples of another initializer: x + log(-expm1(-x)).',
    'param dt_bias: [width] @init(inverse_softplus(log_uniform(0.001, 0.1)))',
  ),
} as const satisfies Readonly<Record<string, InitializerDefinition>>;
