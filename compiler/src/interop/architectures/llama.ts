/**
 * Llama and Qwen 2: attention with rotary positions, then a gated feed-forward block. One layer there is two here, so
 * that tensors are numbered by `{nth}`. Qwen 2 differs in biases (on queries, keys and values, always) and may have a
 * sliding window in its later layers.
 */
import type { AttentionConfig, HuggingFaceConfig, LayerKind, ModelType } from '../config.js';
import { ACTIVATIONS } from '../config.js';
import type { JsonOutput } from '../json-output.js';
import type { ConfigReader } from '../reader.js';
import { when } from './architecture.js';
import type { Architecture } from './architecture.js';
import { MAX_LAYERS, evenly, readCommon } from './common.js';
import { readRope, writeRope } from './rope.js';

interface Variant {
  readonly modelType: ModelType;
  readonly defaultContext: number;
  readonly biases: (reader: ConfigReader) => { readonly bias: boolean; readonly outBias: boolean };
  readonly mlpBias: (reader: ConfigReader) => boolean;
  readonly window: (reader: ConfigReader, layers: number) => AttentionConfig['window'];
  readonly write: (config: HuggingFaceConfig) => Readonly<Record<string, JsonOutput>>;
}

export const llama = architecture({
  modelType: 'llama',
  defaultContext: 2048,
  biases: (reader) => {
    const bias = reader.boolean('attention_bias', false);
    return { bias, outBias: bias };
  },
  mlpBias: (reader) => reader.boolean('mlp_bias', false),
  window: () => undefined,
  write: ({ attention, mlp }) => ({ attention_bias: attention!.bias, mlp_bias: mlp!.bias }),
});

export const qwen2 = architecture({
  modelType: 'qwen2',
  defaultContext: 32_768,
  biases: () => ({ bias: true, outBias: false }),
  mlpBias: () => false,
  window: readWindow,
  write: ({ attention, layers }): Readonly<Record<string, JsonOutput>> => {
    const window = attention!.window;
    if (window === undefined) return { use_sliding_window: false };
    const windowed = new Set(window.layers);
    const types = layers.flatMap((kind, i) =>
      kind === 'A' ? [windowed.has(i) ? 'sliding_attention' : 'full_attention'] : [],
    );
    // Older versions know only a first layer with a window.
    return {
      use_sliding_window: true,
      sliding_window: window.tokens,
      max_window_layers: types.indexOf('sliding_attention'),
      layer_types: types,
    };
  },
});

function architecture(variant: Variant): Architecture {
  return {
    read: (reader) => {
      const common = readCommon(reader, {
        eps: 'rms_norm_eps',
        defaultEps: 1e-6,
        defaultContext: variant.defaultContext,
      });
      const count = reader.size('num_hidden_layers', { max: MAX_LAYERS / 2 });
      return {
        modelType: variant.modelType,
        ...common,
        layers: Array.from({ length: count }, (): LayerKind[] => ['A', 'F']).flat(),
        attention: readAttention(reader, common, count, variant),
        mlp: {
          gated: true,
          inner: reader.size('intermediate_size'),
          activation: reader.activation('hidden_act', 'silu'),
          bias: variant.mlpBias(reader),
        },
      };
    },

    write: (config) => ({
      num_hidden_layers: config.layers.length / 2,
      num_attention_heads: config.attention!.heads,
      num_key_value_heads: config.attention!.kvHeads,
      head_dim: config.attention!.headDim,
      intermediate_size: config.mlp!.inner,
      hidden_act: ACTIVATIONS[config.mlp!.activation][0]!,
      rms_norm_eps: config.eps,
      ...writeRope(config.attention!.rope!),
      ...variant.write(config),
    }),

    tensors: ({ attention, mlp, tie }, { prefix, embedding }) => {
      const layer = `${prefix}layers.{nth}`;
      return [
        { tensor: `${prefix}${embedding}.weight`, parts: ['embedding.weight'] },
        { tensor: `${layer}.input_layernorm.weight`, parts: ['A.pre.weight'] },
        ...(['q', 'k', 'v', 'o'] as const).flatMap((name) => [
          { tensor: `${layer}.self_attn.${name}_proj.weight`, parts: [`A.${name}.weight`] },
          ...when(name === 'o' ? attention!.outBias : attention!.bias, {
            tensor: `${layer}.self_attn.${name}_proj.bias`,
            parts: [`A.${name}.bias`],
          }),
        ]),
        { tensor: `${layer}.post_attention_layernorm.weight`, parts: ['F.pre.weight'] },
        ...(['gate', 'up', 'down'] as const).flatMap((name) => [
          { tensor: `${layer}.mlp.${name}_proj.weight`, parts: [`F.${name}.weight`] },
          ...when(mlp!.bias, { tensor: `${layer}.mlp.${name}_proj.bias`, parts: [`F.${name}.bias`] }),
        ]),
        { tensor: `${prefix}norm.weight`, parts: ['head.norm.weight'] },
        ...when(!tie, { tensor: 'lm_head.weight', parts: ['head.weight'] }),
      ];
    },

    names: [
      { prefix: 'model.', embedding: 'embed_tokens' },
      { prefix: '', embedding: 'embed_tokens' },
    ],
  };
}

function readAttention(
  reader: ConfigReader,
  { width, context }: Pick<HuggingFaceConfig, 'width' | 'context'>,
  count: number,
  variant: Variant,
): AttentionConfig {
  const heads = reader.size('num_attention_heads');
  const kvHeads = reader.size('num_key_value_heads', { fallback: heads });
  evenly(reader, 'num_attention_heads', heads, 'num_key_value_heads', kvHeads);
  const given = reader.field('head_dim') !== undefined;
  if (!given) evenly(reader, 'hidden_size', width, 'num_attention_heads', heads);
  const headDim = given ? reader.size('head_dim') : Math.floor(width / heads);
  if (headDim % 2 === 1) {
    const field = given ? 'head_dim' : 'num_attention_heads';
    reader.contradiction(`Rotary positions need heads of an even size, and this one is ${headDim}`, field);
  }
  const window = variant.window(reader, count);
  return {
    heads,
    kvHeads,
    headDim,
    ...variant.biases(reader),
    rope: readRope(reader, context!),
    ...(window === undefined ? {} : { window }),
  };
}

/** Qwen 2: `layer_types` where it is given, otherwise all layers from `max_window_layers` on. */
function readWindow(reader: ConfigReader, count: number): AttentionConfig['window'] {
  if (!reader.boolean('use_sliding_window', false)) return undefined;
  const tokens = reader.size('sliding_window', { max: 2 ** 31 - 1, fallback: 4096 });
  const types = reader.field('layer_types');
  const first = reader.size('max_window_layers', { min: 0, fallback: 28 });
  if (types !== undefined && (types.node.kind !== 'array' || types.node.elements.length !== count)) {
    reader.wrongKind('layer_types', types.node, `a list of ${count} layers`);
    return undefined;
  }
  const layers = Array.from({ length: count }, (_, i) => i).filter((i) => {
    if (types?.node.kind !== 'array') return i >= first;
    const type = types.node.elements[i]!;
    return type.kind === 'string' && type.value === 'sliding_attention';
  });
  return layers.length === 0 ? undefined : { tokens, layers: layers.map((i) => 2 * i) };
}
