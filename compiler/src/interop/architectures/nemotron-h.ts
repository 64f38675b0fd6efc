/**
 * Nemotron-H and Nemotron Nano v2 (arXiv:2504.03624): Mamba-2, attention without positions and two-layer feed-forward
 * blocks, one a layer, in the order of `hybrid_override_pattern`. Facts that configs get wrong or call differently:
 * - the attention head's size is `attention_head_dim` in early files and `head_dim` in later ones;
 * - `expand` is not authoritative, the inner width of Mamba-2 is `mamba_num_heads * mamba_head_dim`;
 * - dt is clamped to `time_step_limit` only: `time_step_min` and its like are for initialisation.
 */
import type { HuggingFaceConfig, LayerKind } from '../config.js';
import { ACTIVATIONS } from '../config.js';
import type { JsonNode } from '../json.js';
import type { ConfigReader } from '../reader.js';
import { when } from './architecture.js';
import type { Architecture } from './architecture.js';
import { mambaRules, readDtLimits, writeDtLimits } from './mamba.js';
import { MAX_LAYERS, evenly, readCommon } from './common.js';

const PATTERN = ['hybrid_override_pattern'] as const;
const LIST = ['layers_block_type', 'layer_types'] as const;
const CHARACTERS: Readonly<Record<string, LayerKind>> = { M: 'M', '*': 'A', '-': 'F' };
const TYPES: Readonly<Record<string, LayerKind>> = {
  mamba: 'M',
  linear_attention: 'M',
  attention: 'A',
  full_attention: 'A',
  mlp: 'F',
};

export const nemotronH: Architecture = {
  read: (reader) => {
    const layers = readLayers(reader);
    const has = (kind: LayerKind): boolean => layers.includes(kind);
    if (reader.field('sliding_window') !== undefined) {
      reader.ignored(
        'The sliding window',
        'transformers does not use it in this architecture either',
        'sliding_window',
      );
    }
    if (reader.size('num_nextn_predict_layers', { min: 0, fallback: 0 }) > 0) {
      reader.ignored('Multi-token prediction', 'its layers only speed up decoding', 'num_nextn_predict_layers');
    }
    return {
      modelType: 'nemotron_h',
      ...readCommon(reader, { eps: ['layer_norm_epsilon', 'rms_norm_eps'], defaultEps: 1e-5, defaultContext: 4096 }),
      layers,
      ...(has('M') ? { mamba: readMamba(reader) } : {}),
      ...(has('A') ? { attention: readAttention(reader) } : {}),
      ...(has('F') ? { mlp: readMlp(reader) } : {}),
    };
  },

  write: ({ layers, eps, width, mamba, attention, mlp }) => ({
    num_hidden_layers: layers.length,
    hybrid_override_pattern: layers.map((kind) => ({ M: 'M', A: '*', F: '-' })[kind]).join(''),
    layer_norm_epsilon: eps,
    rms_norm_eps: eps,
    ...(attention === undefined
      ? {}
      : {
          num_attention_heads: attention.heads,
          num_key_value_heads: attention.kvHeads,
          attention_head_dim: attention.headDim,
          head_dim: attention.headDim,
          attention_bias: attention.bias,
        }),
    ...(mlp === undefined
      ? {}
      : {
          intermediate_size: mlp.inner,
          mlp_hidden_act: ACTIVATIONS[mlp.activation][0]!,
          mlp_bias: mlp.bias,
        }),
    ...(mamba === undefined
      ? {}
      : {
          mamba_num_heads: mamba.heads,
          mamba_head_dim: mamba.headDim,
          ssm_state_size: mamba.state,
          n_groups: mamba.groups,
          conv_kernel: mamba.conv,
          expand: Math.max(1, Math.round((mamba.heads * mamba.headDim) / width)),
          use_conv_bias: mamba.convBias,
          use_bias: mamba.bias,
          mamba_hidden_act: ACTIVATIONS[mamba.activation][0]!,
          ...writeDtLimits(mamba),
        }),
    residual_in_fp32: false,
  }),

  tensors: ({ mamba, attention, mlp, tie }, { prefix, embedding }) => {
    const mixer = `${prefix}layers.{layer}.mixer`;
    return [
      { tensor: `${prefix}${embedding}.weight`, parts: ['embedding.weight'] },
      { tensor: `${prefix}layers.{layer}.norm.weight`, parts: ['layers.pre.weight'] },
      ...(mamba === undefined ? [] : mambaRules(mixer, mamba)),
      ...(attention === undefined
        ? []
        : (['q', 'k', 'v', 'o'] as const).flatMap((name) => [
            { tensor: `${mixer}.${name}_proj.weight`, parts: [`A.${name}.weight`] },
            ...when(name === 'o' ? attention.outBias : attention.bias, {
              tensor: `${mixer}.${name}_proj.bias`,
              parts: [`A.${name}.bias`],
            }),
          ])),
      ...(mlp === undefined
        ? []
        : (['up', 'down'] as const).flatMap((name) => [
            { tensor: `${mixer}.${name}_proj.weight`, parts: [`F.${name}.weight`] },
            ...when(mlp.bias, { tensor: `${mixer}.${name}_proj.bias`, parts: [`F.${name}.bias`] }),
          ])),
      { tensor: `${prefix}norm_f.weight`, parts: ['head.norm.weight'] },
      ...when(!tie, { tensor: 'lm_head.weight', parts: ['head.weight'] }),
    ];
  },

  names: [
    { prefix: 'backbone.', embedding: 'embeddings' },
    { prefix: 'backbone.', embedding: 'embedding' },
    { prefix: 'model.', embedding: 'embeddings' },
    { prefix: 'model.', embedding: 'embedding' },
  ],
};

function readLayers(reader: ConfigReader): readonly LayerKind[] {
  const list = reader.field(LIST);
  const layers =
    reader.field(PATTERN) === undefined && list !== undefined ? readList(reader, list) : readPattern(reader);
  if (layers.length === 0) return layers;
  const count = reader.optionalSize('num_hidden_layers', { max: MAX_LAYERS });
  if (count !== undefined && count !== layers.length) {
    const field = reader.field(PATTERN)?.name ?? list!.name;
    reader.contradiction(
      `'${field}' has ${layers.length} layers, and 'num_hidden_layers' is ${count}`,
      field,
      'num_hidden_layers',
    );
  }
  return layers;
}

function readPattern(reader: ConfigReader): readonly LayerKind[] {
  const found = reader.string(PATTERN);
  if (found === undefined) {
    if (reader.field(PATTERN) === undefined) reader.missing(PATTERN);
    return [];
  }
  if (found.length === 0 || found.length > MAX_LAYERS) {
    reader.outOfRange(PATTERN, `1 to ${MAX_LAYERS.toLocaleString('en-US')} layers long`, `${found.length} long`);
    return [];
  }
  const unknown = [...found].find((character) => !Object.hasOwn(CHARACTERS, character));
  if (unknown === undefined) return [...found].map((character) => CHARACTERS[character]!);
  if (unknown === 'E') reader.unsupported('A layer of routed experts', PATTERN);
  else reader.wrongValue(PATTERN, 'made of M, * and -', `one with ${JSON.stringify(unknown)} in it`);
  return [];
}

function readList(
  reader: ConfigReader,
  { name, node }: { readonly name: string; readonly node: JsonNode },
): readonly LayerKind[] {
  if (node.kind !== 'array') {
    reader.wrongKind(name, node, 'a list of layers');
    return [];
  }
  if (node.elements.length === 0 || node.elements.length > MAX_LAYERS) {
    reader.outOfRange(name, `1 to ${MAX_LAYERS.toLocaleString('en-US')} layers long`, `${node.elements.length} long`);
    return [];
  }
  const layers: LayerKind[] = [];
  for (const element of node.elements) {
    const kind = element.kind === 'string' && Object.hasOwn(TYPES, element.value) ? TYPES[element.value] : undefined;
    if (kind === undefined) {
      if (element.kind === 'string' && element.value === 'moe') reader.unsupported('A layer of routed experts', name);
      else reader.wrongKind(name, element, 'a list of mamba, attention and mlp');
      return [];
    }
    layers.push(kind);
  }
  return layers;
}

function readMamba(reader: ConfigReader): NonNullable<HuggingFaceConfig['mamba']> {
  const heads = reader.size('mamba_num_heads');
  const groups = reader.size(['n_groups', 'mamba_n_groups'], { fallback: 8 });
  evenly(reader, 'mamba_num_heads', heads, ['n_groups', 'mamba_n_groups'], groups);
  return {
    heads,
    headDim: reader.size('mamba_head_dim'),
    state: reader.size('ssm_state_size'),
    groups,
    conv: reader.size(['conv_kernel', 'mamba_d_conv'], { fallback: 4 }),
    convBias: reader.boolean(['use_conv_bias', 'mamba_conv_bias'], true),
    bias: reader.boolean('use_bias', false),
    activation: reader.activation('mamba_hidden_act', 'silu'),
    dtLimits: readDtLimits(reader, ['time_step_limit', 'mamba_dt_limit']),
    gatedNorm: 'groups',
  };
}

function readAttention(reader: ConfigReader): NonNullable<HuggingFaceConfig['attention']> {
  const heads = reader.size('num_attention_heads');
  const kvHeads = reader.size('num_key_value_heads', { fallback: heads });
  evenly(reader, 'num_attention_heads', heads, 'num_key_value_heads', kvHeads);
  const bias = reader.boolean('attention_bias', false);
  const headDim = reader.size(['attention_head_dim', 'head_dim'], { fallback: 128 });
  return { heads, kvHeads, headDim, bias, outBias: bias };
}

function readMlp(reader: ConfigReader): NonNullable<HuggingFaceConfig['mlp']> {
  return {
    gated: false,
    inner: reader.size('intermediate_size'),
    activation: reader.activation('mlp_hidden_act', 'relu2'),
    bias: reader.boolean('mlp_bias', false),
  };
}
