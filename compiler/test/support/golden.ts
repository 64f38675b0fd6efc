/** The recorded checkpoints as hand-built models: their graphs, their weights by our paths, and the recorded outputs. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ModelGraph } from '../../src/graph/graph.js';
import type { Reference } from '../../src/ops/op.js';
import { attention, gatedMlp, mamba2, mlp, modelOf, residualLayer } from './layers.js';
import { readSafetensors } from './safetensors.js';

export interface Golden {
  readonly model: ModelGraph;
  readonly checkpoint: ReadonlyMap<string, Reference>;
  /** By our full paths. */
  readonly parameters: ReadonlyMap<string, Reference>;
  /** Our full path → where it lies in the checkpoint. */
  readonly places: ReadonlyMap<string, Place>;
  readonly recorded: ReadonlyMap<string, Reference>;
}

/** Rows `start` … of a checkpoint tensor, in a shape of ours. */
export interface Place {
  readonly name: string;
  readonly start: number;
  readonly shape: readonly number[];
}

export const GOLDENS = ['nh_a_gqa_g2', 'nh_c_realinit_g1', 'llama_gqa'] as const;

export function golden(name: (typeof GOLDENS)[number]): Golden {
  const folder = fileURLToPath(new URL(`../../../tests/golden/${name}/`, import.meta.url));
  // One of the files holds a bare Infinity, which no JSON parser takes; nothing here reads it.
  const config = JSON.parse(readFileSync(`${folder}config.json`, 'utf8').replace(/\bInfinity\b(?!")/, '0')) as Config;
  const checkpoint = readSafetensors(`${folder}model.safetensors`);
  const { model, places } = config.model_type === 'llama' ? llama(config) : nemotron(config);
  const parameters = new Map<string, Reference>();
  for (const [path, place] of places) parameters.set(path, take(checkpoint, place));
  return { model, checkpoint, parameters, places, recorded: readSafetensors(`${folder}golden.safetensors`) };
}

/** The part of a checkpoint-like set of tensors that a parameter is. */
export function take(tensors: ReadonlyMap<string, Reference>, { name, start, shape }: Place): Reference {
  const whole = tensors.get(name)!;
  const perRow = whole.data.length / whole.shape[0]!;
  const size = shape.reduce((n, e) => n * e, 1);
  return { shape, data: whole.data.slice(start * perRow, start * perRow + size) };
}

interface Config {
  readonly model_type: string;
  readonly hybrid_override_pattern: string;
  readonly [field: string]: number | string;
}

function nemotron(c: Config) {
  const n = (field: string): number => c[field] as number;
  const [width, vocab, eps] = [n('hidden_size'), n('vocab_size'), n('layer_norm_epsilon')];
  const m = {
    heads: n('mamba_num_heads'),
    head_dim: n('mamba_head_dim'),
    state: n('ssm_state_size'),
    groups: n('n_groups'),
    conv: n('conv_kernel'),
    eps,
  };
  const a = { heads: n('num_attention_heads'), kv_heads: n('num_key_value_heads'), head_dim: n('head_dim') };
  const inner = m.heads * m.head_dim;
  const channels = inner + 2 * m.groups * m.state;
  const places = new Map<string, Place>();
  const layers = [...c.hybrid_override_pattern].map((letter, i) => {
    const theirs = `backbone.layers.${i}.mixer`;
    const put = (path: string, name: string, shape: readonly number[], start = 0): void =>
      void places.set(`layers.${i}.${path}`, { name: `${theirs}.${name}`, start, shape });
    places.set(`layers.${i}.norm.pre.weight`, { name: `backbone.layers.${i}.norm.weight`, start: 0, shape: [width] });
    switch (letter) {
      case 'M':
        put('in_z.weight', 'in_proj.weight', [inner, width]);
        put('in_xbc.weight', 'in_proj.weight', [channels, width], inner);
        put('in_dt.weight', 'in_proj.weight', [m.heads, width], inner + channels);
        put('mix.weight', 'conv1d.weight', [channels, m.conv]);
        put('mix.bias', 'conv1d.bias', [channels]);
        for (const vector of ['A_log', 'D', 'dt_bias']) put(vector, vector, [m.heads]);
        put('norm.gated.weight', 'norm.weight', [inner]);
        put('out.weight', 'out_proj.weight', [width, inner]);
        return { alias: 'M', graph: residualLayer('M', width, eps, mamba2(m, width)) };
      case '*':
        put('q.weight', 'q_proj.weight', [a.heads, a.head_dim, width]);
        put('k.weight', 'k_proj.weight', [a.kv_heads, a.head_dim, width]);
        put('v.weight', 'v_proj.weight', [a.kv_heads, a.head_dim, width]);
        put('o.weight', 'o_proj.weight', [width, a.heads, a.head_dim]);
        return { alias: 'A', graph: residualLayer('A', width, eps, attention(a, width)) };
      default:
        put('up.weight', 'up_proj.weight', [n('intermediate_size'), width]);
        put('down.weight', 'down_proj.weight', [width, n('intermediate_size')]);
        return { alias: 'F', graph: residualLayer('F', width, eps, mlp(n('intermediate_size'), width)) };
    }
  });
  places.set('embedding.weight', { name: 'backbone.embeddings.weight', start: 0, shape: [vocab, width] });
  places.set('head.norm.weight', { name: 'backbone.norm_f.weight', start: 0, shape: [width] });
  places.set('head.weight', { name: 'lm_head.weight', start: 0, shape: [vocab, width] });
  return { model: modelOf({ vocab, width, eps }, layers), places };
}

function llama(c: Config) {
  const n = (field: string): number => c[field] as number;
  const [width, vocab, eps] = [n('hidden_size'), n('vocab_size'), n('rms_norm_eps')];
  const [heads, kv_heads, inner] = [n('num_attention_heads'), n('num_key_value_heads'), n('intermediate_size')];
  const head_dim = width / heads;
  const rope = Array.from({ length: head_dim / 2 }, (_, i) => n('rope_theta') ** ((-2 * i) / head_dim));
  const places = new Map<string, Place>();
  const layers = Array.from({ length: n('num_hidden_layers') }, (_, i) => {
    const theirs = `model.layers.${i}`;
    const put = (layer: number, path: string, name: string, shape: readonly number[]): void =>
      void places.set(`layers.${layer}.${path}`, { name: `${theirs}.${name}.weight`, start: 0, shape });
    put(2 * i, 'norm.pre.weight', 'input_layernorm', [width]);
    put(2 * i, 'q.weight', 'self_attn.q_proj', [heads, head_dim, width]);
    put(2 * i, 'k.weight', 'self_attn.k_proj', [kv_heads, head_dim, width]);
    put(2 * i, 'v.weight', 'self_attn.v_proj', [kv_heads, head_dim, width]);
    put(2 * i, 'o.weight', 'self_attn.o_proj', [width, heads, head_dim]);
    put(2 * i + 1, 'norm.pre.weight', 'post_attention_layernorm', [width]);
    put(2 * i + 1, 'gate.weight', 'mlp.gate_proj', [inner, width]);
    put(2 * i + 1, 'up.weight', 'mlp.up_proj', [inner, width]);
    put(2 * i + 1, 'down.weight', 'mlp.down_proj', [width, inner]);
    return [
      { alias: 'A', graph: residualLayer('A', width, eps, attention({ heads, kv_heads, head_dim, rope }, width)) },
      { alias: 'F', graph: residualLayer('F', width, eps, gatedMlp(inner, width)) },
    ];
  }).flat();
  places.set('embedding.weight', { name: 'model.embed_tokens.weight', start: 0, shape: [vocab, width] });
  places.set('head.norm.weight', { name: 'model.norm.weight', start: 0, shape: [width] });
  places.set('head.weight', { name: 'lm_head.weight', start: 0, shape: [vocab, width] });
  return { model: modelOf({ vocab, width, eps }, layers), places };
}
