/** What may stand after `param name =` beside blocks: maps with weights of their own. */

export interface ModuleParameter {
  readonly name: string;
  readonly doc: string;
  readonly optional: boolean;
}

export interface ModuleDefinition {
  readonly name: string;
  readonly signature: string;
  readonly doc: string;
  readonly example: string;
  readonly parameters: readonly ModuleParameter[];
}

export const MODULES = {
  linear: {
    name: 'linear',
    signature: 'linear(from -> to, bias = false, sigma = false)',
    doc:
      'A linear map between dimensions, each side one or a tuple: y[to] = sum of weight[to, from] x[from]. Parameters: ' +
      '`weight`, with `bias` also `bias`. With `sigma` the weight is divided by its spectral norm and multiplied by a ' +
      'learned `gamma` (sigma-reparametrization, Zhai et al. 2023).',
    example:
      'dim half = width div 2\nparam heads = linear(width -> (2, half), bias = true)\nreturn heads(x) as [time, width]',
    parameters: [
      { name: 'map', doc: '`from -> to`: the dimensions that go and those that come.', optional: false },
      { name: 'bias', doc: 'Whether a learned shift is added.', optional: true },
      { name: 'sigma', doc: 'Whether the spectral norm is divided out.', optional: true },
    ],
  },
  conv1d: {
    name: 'conv1d',
    signature: 'conv1d(channels, kernel, bias = false)',
    doc:
      'Causal convolution over time, each channel on its own: y[t] = sum of weight[k] x[t - kernel + 1 + k]. Before the ' +
      'start of a sequence x is zero. Parameters: `weight`, with `bias` also `bias`.',
    example: 'param mix = conv1d(width, 4, bias = true)\nreturn silu(mix(x))',
    parameters: [
      { name: 'channels', doc: 'The dimension that has a filter for each of its elements.', optional: false },
      { name: 'kernel', doc: 'Number of tokens that a filter sees, the token itself included.', optional: false },
      { name: 'bias', doc: 'Whether a learned shift is added.', optional: true },
    ],
  },
} as const satisfies Readonly<Record<string, ModuleDefinition>>;
