/** Rotary position embedding and its kinds of scaling. */
import type { Constant, FunctionValue } from '../../model/model.js';
import { describeDims } from '../elaborate/describe.js';
import { addTensor, fail, nodeType } from '../elaborate/frame.js';
import { FAILED } from '../elaborate/values.js';
import type { Builtin, BuiltinCall, BuiltinParameter } from './builtin.js';
import { readChoice, readFunction, readNumber, readTensor, spanOf } from './read.js';
import { ropeFrequencies } from './rope-frequencies.js';
import type { RopeScaling } from './rope-frequencies.js';

const float = (value: number): Constant => ({ kind: 'number', value, integer: false });
const NONE: Constant = { kind: 'none' };

const factor: BuiltinParameter = { name: 'factor', kind: 'float', doc: 'How many times the context grows.' };
const original: BuiltinParameter = {
  name: 'original',
  kind: 'int',
  doc: 'Context in tokens that the model was first trained with.',
};

function example(scaling: string): string {
  return `dim heads    = 2\ndim head_dim = width div 2\nreturn rope(x as [time, heads, head_dim], scaling = ${scaling}) as [time, width]`;
}

/** Values of `scaling`; they are names of their own nowhere else. */
export const SCALINGS: readonly Builtin[] = [
  {
    name: 'linear',
    category: 'scaling',
    signature: 'linear(factor)',
    doc: 'Positions divided by `factor` (Chen et al. 2023).',
    example: example('linear(factor = 4)'),
    parameters: [factor],
  },
  {
    name: 'ntk',
    category: 'scaling',
    signature: 'ntk(factor)',
    doc: 'Base multiplied by `factor ** (d / (d - 2))` (NTK-aware).',
    example: example('ntk(factor = 4)'),
    parameters: [factor],
  },
  {
    name: 'llama3',
    category: 'scaling',
    signature: 'llama3(factor, low = 1, high = 4, original)',
    doc: 'Wavelengths over `original / low` stretched by `factor`, under `original / high` kept, smooth between (Llama 3.1).',
    example: example('llama3(factor = 8, original = 8192)'),
    parameters: [
      factor,
      { name: 'low', kind: 'float', doc: 'Wavelengths over original / low are stretched.', default: float(1) },
      { name: 'high', kind: 'float', doc: 'Wavelengths under original / high are kept.', default: float(4) },
      original,
    ],
  },
  {
    name: 'yarn',
    category: 'scaling',
    signature: 'yarn(factor, original, beta_fast = 32, beta_slow = 1, attention = none)',
    doc: 'Interpolation by parts and a correction of the logits (Peng et al. 2023).',
    example: example('yarn(factor = 4, original = 4096)'),
    parameters: [
      factor,
      original,
      {
        name: 'beta_fast',
        kind: 'float',
        doc: 'Turns in the original context from which a pair is kept.',
        default: float(32),
      },
      { name: 'beta_slow', kind: 'float', doc: 'Turns under which a pair is fully interpolated.', default: float(1) },
      {
        name: 'attention',
        kind: 'float',
        doc: 'Multiplies sine and cosine; by default 0.1 ln(factor) + 1.',
        default: NONE,
      },
    ],
  },
];

const rope: Builtin = {
  name: 'rope',
  category: 'sequence',
  signature: 'rope(x, base = 10_000, dims = none, pairing = "half", scaling = none)',
  doc: 'Rotary position embedding of the last dimension (Su et al. 2021), at the position of the token in its sequence.',
  example:
    'dim heads    = 2\ndim head_dim = width div 2\nreturn rope(x as [time, heads, head_dim], base = 500_000) as [time, width]',
  parameters: [
    { name: 'x', kind: 'tensor', doc: 'Queries or keys [time, …, channels].' },
    { name: 'base', kind: 'float', doc: 'Base of the wavelengths.', default: float(10_000) },
    { name: 'dims', kind: 'int', doc: 'Channels that are rotated, from the first; by default all.', default: NONE },
    {
      name: 'pairing',
      kind: 'string',
      doc: 'Which channels form pairs: i and i + n/2 (Llama, NeoX), or 2i and 2i + 1.',
      default: { kind: 'string', value: 'half' },
      choices: ['half', 'interleaved'],
    },
    { name: 'scaling', kind: 'function', doc: 'Stretches the context.', default: NONE, of: SCALINGS },
  ],
  apply: (call) => {
    const { frame, span } = call;
    const x = readTensor(call, 'x');
    const base = readNumber(call, 'base');
    const dims = readNumber(call, 'dims');
    const pairing = readChoice(call, 'pairing') as 'half' | 'interleaved' | undefined;
    const scaling = readFunction(call, 'scaling');
    if (
      x === undefined ||
      base === undefined ||
      base === 'none' ||
      dims === undefined ||
      pairing === undefined ||
      scaling === undefined
    ) {
      return FAILED;
    }
    if (frame.tape.kind === 'scan') {
      fail(frame, 'HYB3032', span, { what: "'rope'" });
      return FAILED;
    }
    const type = nodeType(frame, x);
    const last = type.dims.at(-1);
    if (type.dims.length < 2 || type.dims[0]!.extent !== 'time' || last === undefined || last.extent === 'time') {
      fail(
        frame,
        'HYB3010',
        spanOf(call, 'x'),
        { what: "'x' of 'rope'" },
        { expected: '[time, …, channels]', found: describeDims(type.dims, frame.unit) },
      );
      return FAILED;
    }
    const channels = dims === 'none' ? last.extent : dims;
    const reason = wrongChannels(channels, last.extent, base);
    if (reason !== undefined) {
      if (frame.unit.generic !== undefined && base > 1) return { kind: 'tensor', tape: frame.tape, node: x };
      fail(frame, 'HYB3066', spanOf(call, base > 1 ? (dims === 'none' ? 'x' : 'dims') : 'base'), {
        name: base > 1 ? 'dims' : 'base',
        reason,
      });
      return FAILED;
    }
    const read = scaling === 'none' ? undefined : readScaling(scaling, call);
    if (read === 'wrong') return FAILED;
    const { frequencies, amplitude } = ropeFrequencies(channels, base, read);
    return addTensor(frame, 'rope', [x], { frequencies, pairing, amplitude }, span);
  },
};

/** Every pair's frequency is a constant of the program. */
const MOST_CHANNELS = 1 << 16;

function wrongChannels(channels: number, available: number, base: number): string | undefined {
  if (!(base > 1 && Number.isFinite(base))) return 'it is greater than 1';
  if (!(channels > 0) || channels % 2 !== 0)
    return `channels turn in pairs, and ${channels} is not a positive even number`;
  if (channels > MOST_CHANNELS) return `${MOST_CHANNELS} channels are the most`;
  if (channels > available) return `there are only ${available} channels`;
  return undefined;
}

function readScaling(value: FunctionValue, call: BuiltinCall): RopeScaling | 'wrong' {
  const name = 'builtin' in value.callee ? value.callee.builtin : '';
  const numbers: Record<string, number> = {};
  for (const [key, constant] of Object.entries(value.arguments)) {
    if (constant.kind === 'number') numbers[key] = constant.value;
    else if (constant.kind !== 'none') {
      fail(call.frame, 'HYB3066', spanOf(call, 'scaling'), { name: key, reason: 'it is a number' });
      return 'wrong';
    }
  }
  const scaling = SCALINGS.find((s) => s.name === name);
  const missing = scaling?.parameters.find((p) => p.default === undefined && numbers[p.name] === undefined);
  const negative = Object.entries(numbers).find(([, n]) => !(n > 0 && Number.isFinite(n)));
  if (missing !== undefined || negative !== undefined) {
    const parameter = missing?.name ?? negative![0];
    fail(call.frame, 'HYB3066', spanOf(call, 'scaling'), {
      name: parameter,
      reason: missing === undefined ? 'it is positive' : `'${name}' needs it`,
    });
    return 'wrong';
  }
  return { ...numbers, kind: name } as unknown as RopeScaling;
}

export const ROPE: readonly Builtin[] = [rope];
