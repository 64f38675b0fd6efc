/** Configurations of all kinds that hang together. */
import fc from 'fast-check';
import type { Activation, HuggingFaceConfig, LayerKind } from '../../src/interop/config.js';

const size = fc.integer({ min: 1, max: 4096 });
const factor = fc.double({ min: 1, max: 64, noNaN: true });
const eps = fc.constantFrom(1e-5, 1e-6, 1.5e-5);
const dtype = fc.constantFrom('f32', 'bf16', 'f16');
const activation = fc.constantFrom<Activation>('silu', 'gelu', 'gelu_tanh', 'relu', 'relu2', 'sigmoid', 'tanh');
const context = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const common = { vocab: size, width: size, context, eps, tie: fc.boolean(), dtype };

const mamba = (gatedNorm: 'groups' | 'all') =>
  fc
    .record({
      perGroup: fc.integer({ min: 1, max: 16 }),
      headDim: size,
      state: size,
      groups: fc.integer({ min: 1, max: 16 }),
      conv: size,
      convBias: fc.boolean(),
      bias: fc.boolean(),
      activation,
      dtLimits: fc.constantFrom([0, Infinity] as const, [0, 0.1] as const, [0.001, Infinity] as const),
      gatedNorm: fc.constant(gatedNorm),
    })
    .map(({ perGroup, ...rest }) => ({ ...rest, heads: perGroup * rest.groups }));

const scaling = fc.oneof(
  fc.record({ kind: fc.constant('linear' as const), factor }),
  fc.record({ kind: fc.constant('llama3' as const), factor, low: factor, high: factor, original: size }),
  fc.record(
    {
      kind: fc.constant('yarn' as const),
      factor,
      original: size,
      betaFast: factor,
      betaSlow: factor,
      attention: factor,
    },
    { requiredKeys: ['kind', 'factor', 'original', 'betaFast', 'betaSlow'] },
  ),
);
const rope = fc.record({ base: fc.double({ min: 2, max: 1e9, noNaN: true }), scaling }, { requiredKeys: ['base'] });
const heads = fc.tuple(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 16 }));

export const nemotron: fc.Arbitrary<HuggingFaceConfig> = fc
  .tuple(
    fc.record({
      ...common,
      layers: fc.array(fc.constantFrom<LayerKind>('M', 'A', 'F'), { minLength: 1, maxLength: 40 }),
    }),
    mamba('groups'),
    fc.record({ heads, headDim: size, bias: fc.boolean() }),
    fc.record({ gated: fc.constant(false), inner: size, activation, bias: fc.boolean() }),
  )
  .map(
    ([
      base,
      M,
      {
        heads: [kvHeads, times],
        headDim,
        bias,
      },
      F,
    ]) => ({
      modelType: 'nemotron_h',
      ...base,
      ...(base.layers.includes('M') ? { mamba: M } : {}),
      ...(base.layers.includes('A')
        ? { attention: { heads: kvHeads * times, kvHeads, headDim, bias, outBias: bias } }
        : {}),
      ...(base.layers.includes('F') ? { mlp: F } : {}),
    }),
  );

export const llamaLike: fc.Arbitrary<HuggingFaceConfig> = fc
  .tuple(
    fc.record({ ...common, count: fc.integer({ min: 1, max: 20 }), qwen: fc.boolean() }),
    fc.record({ heads, half: size, bias: fc.boolean(), rope }),
    fc.record({ inner: size, activation, bias: fc.boolean() }),
    fc.record({ tokens: size, layers: fc.array(fc.nat(19), { maxLength: 20 }) }),
  )
  .map(
    ([
      { count, qwen, ...base },
      {
        heads: [kvHeads, times],
        half,
        bias,
        rope,
      },
      mlp,
      { tokens, layers },
    ]) => {
      const windowed = [...new Set(layers)].filter((i) => i < count).sort((a, b) => a - b);
      return {
        modelType: qwen ? 'qwen2' : 'llama',
        ...base,
        layers: Array.from({ length: count }, (): LayerKind[] => ['A', 'F']).flat(),
        attention: {
          heads: kvHeads * times,
          kvHeads,
          headDim: 2 * half,
          ...(qwen ? { bias: true, outBias: false } : { bias, outBias: bias }),
          rope,
          ...(qwen && windowed.length > 0 ? { window: { tokens, layers: windowed.map((i) => 2 * i) } } : {}),
        },
        mlp: { gated: true, ...mlp, bias: !qwen && mlp.bias },
      };
    },
  );

export const mamba2: fc.Arbitrary<HuggingFaceConfig> = fc
  .tuple(fc.record({ ...common, count: fc.integer({ min: 1, max: 40 }) }), mamba('all'))
  .filter(([{ width }, { heads, headDim }]) => (heads * headDim) / width <= 1024)
  .map(([{ count, ...base }, M]) => ({
    modelType: 'mamba2',
    ...base,
    layers: Array.from({ length: count }, () => 'M'),
    mamba: M,
  }));

export const anyConfig = fc.oneof(nemotron, llamaLike, mamba2);
