/** Mamba-2 alone (Dao & Gu 2024). Its gated norm is over the whole inner width; groups are for B and C only. */
import { ACTIVATIONS } from '../config.js';
import { float } from '../json-output.js';
import { when } from './architecture.js';
import type { Architecture } from './architecture.js';
import { MAX_LAYERS, evenly, readCommon } from './common.js';
import { mambaRules, readDtLimits, writeDtLimits } from './mamba.js';

export const mamba2: Architecture = {
  read: (reader) => {
    const common = readCommon(reader, { eps: 'layer_norm_epsilon', defaultEps: 1e-5 });
    const heads = reader.size('num_heads');
    const headDim = reader.size('head_dim');
    const groups = reader.size('n_groups', { fallback: 8 });
    evenly(reader, 'num_heads', heads, 'n_groups', groups);
    const expand = reader.number('expand', 2, { min: 0, max: 1024 });
    const inner = Math.floor(expand * common.width);
    if (!reader.failed && heads * headDim !== inner) {
      reader.contradiction(
        `'num_heads' * 'head_dim' is ${heads * headDim}, and 'expand' * 'hidden_size' is ${inner}`,
        'num_heads',
        'head_dim',
        'expand',
        'hidden_size',
      );
    }
    const layers = reader.size('num_hidden_layers', { max: MAX_LAYERS });
    return {
      modelType: 'mamba2',
      ...common,
      layers: Array.from({ length: layers }, () => 'M'),
      mamba: {
        heads,
        headDim,
        state: reader.size('state_size'),
        groups,
        conv: reader.size('conv_kernel', { fallback: 4 }),
        convBias: reader.boolean('use_conv_bias', true),
        bias: reader.boolean('use_bias', false),
        activation: reader.activation('hidden_act', 'silu'),
        dtLimits: readDtLimits(reader, 'time_step_limit'),
        gatedNorm: 'all',
      },
    };
  },

  write: ({ layers, eps, width, mamba }) => ({
    num_hidden_layers: layers.length,
    layer_norm_epsilon: eps,
    num_heads: mamba!.heads,
    head_dim: mamba!.headDim,
    state_size: mamba!.state,
    n_groups: mamba!.groups,
    expand: writeExpand(mamba!.heads * mamba!.headDim, width),
    conv_kernel: mamba!.conv,
    use_conv_bias: mamba!.convBias,
    use_bias: mamba!.bias,
    hidden_act: ACTIVATIONS[mamba!.activation][0]!,
    ...writeDtLimits(mamba!),
    residual_in_fp32: true,
    rms_norm: true,
  }),

  tensors: ({ mamba, tie }, { prefix, embedding }) => [
    { tensor: `${prefix}${embedding}.weight`, parts: ['embedding.weight'] },
    { tensor: `${prefix}layers.{layer}.norm.weight`, parts: ['M.pre.weight'] },
    ...mambaRules(`${prefix}layers.{layer}.mixer`, mamba!),
    { tensor: `${prefix}norm_f.weight`, parts: ['head.norm.weight'] },
    ...when(!tie, { tensor: 'lm_head.weight', parts: ['head.weight'] }),
  ],

  names: [
    { prefix: 'backbone.', embedding: 'embeddings' },
    { prefix: 'backbone.', embedding: 'embedding' },
    { prefix: 'model.', embedding: 'embeddings' },
  ],
};

/** A number that times `width`, rounded down, is the inner width again. */
function writeExpand(inner: number, width: number): number | ReturnType<typeof float> {
  const expand = inner / width;
  if (Number.isInteger(expand)) return expand;
  return float(Math.floor(expand * width) === inner ? expand : (inner + 0.5) / width);
}
