/**
 * The built-in functions that may be passed as values (`activation = silu`, `rope = rope(base = 10_000)`), with the
 * arguments that can be given by name. A value of kind `function` carries all of them, defaults filled in.
 */
import type { Constant } from '../model/model.js';
import { NONE, float } from './value.js';
import type { Kind } from './value.js';

export interface BuiltinParameter {
  readonly name: string;
  readonly kind: Kind;
  readonly doc: string;
  /** Absent: must be given. */
  readonly default?: Constant;
  /** For strings: what it may be. */
  readonly choices?: readonly string[];
  /** For functions: the only ones it may be; they are not names of their own elsewhere. */
  readonly of?: readonly Builtin[];
}

export interface Builtin {
  readonly name: string;
  readonly doc: string;
  readonly parameters: readonly BuiltinParameter[];
}

function pointwise(name: string, doc: string): Builtin {
  return { name, doc, parameters: [] };
}

const factor: BuiltinParameter = { name: 'factor', kind: 'float', doc: 'How many times the context grows.' };
const original: BuiltinParameter = {
  name: 'original',
  kind: 'int',
  doc: 'Context in tokens that the model was first trained with.',
};

/** Kinds of `scaling` of rotary embeddings; each changes the frequencies, which are constants of the program. */
export const ROPE_SCALINGS: readonly Builtin[] = [
  { name: 'linear', doc: 'Positions divided by `factor` (Chen et al. 2023).', parameters: [factor] },
  { name: 'ntk', doc: 'Base multiplied by `factor ** (d / (d - 2))` (NTK-aware).', parameters: [factor] },
  {
    name: 'llama3',
    doc: 'Long wavelengths divided by `factor`, short ones kept, smooth between (Llama 3.1).',
    parameters: [
      factor,
      { name: 'low', kind: 'float', doc: 'Wavelengths over original / low are scaled.', default: float(1) },
      { name: 'high', kind: 'float', doc: 'Wavelengths under original / high are kept.', default: float(4) },
      original,
    ],
  },
  {
    name: 'yarn',
    doc: 'Interpolation by parts and a correction of the logits (Peng et al. 2023).',
    parameters: [
      factor,
      original,
      {
        name: 'beta_fast',
        kind: 'float',
        doc: 'Turns in the original context from which a channel is kept.',
        default: float(32),
      },
      {
        name: 'beta_slow',
        kind: 'float',
        doc: 'Turns under which a channel is fully interpolated.',
        default: float(1),
      },
      {
        name: 'attention',
        kind: 'float',
        doc: 'Multiplies sine and cosine; by default 0.1 ln(factor) + 1.',
        default: NONE,
      },
    ],
  },
];

export const BUILTINS: ReadonlyMap<string, Builtin> = new Map(
  [
    pointwise('abs', 'Absolute value.'),
    pointwise('exp', 'e to the power x.'),
    pointwise('log', 'Natural logarithm.'),
    pointwise('sqrt', 'Square root.'),
    pointwise('rsqrt', 'One over the square root.'),
    pointwise('sin', 'Sine.'),
    pointwise('cos', 'Cosine.'),
    pointwise('tanh', 'Hyperbolic tangent.'),
    pointwise('erf', 'Error function.'),
    pointwise('floor', 'Largest integer not above x.'),
    pointwise('sigmoid', '1 / (1 + exp(-x)).'),
    pointwise('softplus', 'log(1 + exp(x)).'),
    pointwise('silu', 'x * sigmoid(x).'),
    pointwise('relu', 'max(x, 0).'),
    pointwise('gelu', 'x times the normal distribution function of x.'),
    pointwise('gelu_tanh', 'The approximation of gelu by tanh.'),
    {
      name: 'rope',
      doc: 'Rotary position embedding of the last dimension (Su et al. 2021).',
      parameters: [
        { name: 'base', kind: 'float', doc: 'Base of the wavelengths.', default: float(10_000) },
        { name: 'dims', kind: 'int', doc: 'Channels that are rotated, from the first; by default all.', default: NONE },
        {
          name: 'pairing',
          kind: 'string',
          doc: 'Which channels form pairs: i and i + n/2, or 2i and 2i + 1.',
          default: { kind: 'string', value: 'half' },
          choices: ['half', 'interleaved'],
        },
        { name: 'scaling', kind: 'fn', doc: 'Stretches the context.', default: NONE, of: ROPE_SCALINGS },
      ],
    } satisfies Builtin,
  ].map((builtin) => [builtin.name, builtin]),
);
