import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { importConfig } from '../../src/interop/import-config.js';
import { parseConfig } from '../../src/interop/parse-config.js';
import { CONFIGS } from './configs.js';

function imported(text: string, name: string, tensors?: readonly string[]): string {
  const { config, diagnostics } = parseConfig(text);
  expect(diagnostics).toEqual([]);
  return importConfig(config!, { name, ...(tensors ? { tensors } : {}) }).source;
}

test.each(['nh_a_gqa_g2', 'nh_c_realinit_g1', 'llama_gqa'])('recorded checkpoint %s', (name) => {
  const path = fileURLToPath(new URL(`../../../tests/golden/${name}/config.json`, import.meta.url));
  expect(imported(readFileSync(path, 'utf8'), name)).toMatchSnapshot();
});

test.each(Object.entries(CONFIGS))('published model %s', (name, config) => {
  expect(imported(JSON.stringify(config), name)).toMatchSnapshot();
});

describe('what differs between checkpoints of one architecture', () => {
  const llama = CONFIGS['Llama-3.1-8B'];
  const nemotron = CONFIGS['Nemotron-H-8B-Base-8K'];
  const line = (source: string, start: string): string | undefined =>
    source
      .split('\n')
      .find((each) => each.trimStart().startsWith(start))
      ?.trim();

  test('names of tensors follow the checkpoint', () => {
    const source = imported(JSON.stringify(nemotron), 'x', ['model.embedding.weight', 'model.layers.0.norm.weight']);
    expect(source).toContain('"model.embedding.weight" = embedding.weight');
    expect(source).toContain('"model.layers.{layer}.mixer.D" = M.D');
    expect(source).toContain('"lm_head.weight" = head.weight');
    expect(imported(JSON.stringify(nemotron), 'x')).toContain('"backbone.embeddings.weight" = embedding.weight');
  });

  test('biases', () => {
    const both = imported(JSON.stringify({ ...llama, attention_bias: true, mlp_bias: true }), 'x');
    expect(line(both, 'bias = true')).toBeUndefined();
    expect(both).toContain('bias = true');
    expect(both).toContain('"model.layers.{nth}.self_attn.o_proj.bias" = A.o.bias');
    expect(both).toContain('"model.layers.{nth}.mlp.gate_proj.bias" = F.gate.bias');
    const mamba = imported(JSON.stringify({ ...nemotron, use_bias: true, use_conv_bias: false }), 'x');
    expect(mamba).toContain('conv_bias = false, bias = true');
    expect(mamba).toContain('.in_proj.bias" = concat(M.in_z.bias, M.in_xbc.bias, M.in_dt.bias)');
    expect(mamba).not.toContain('conv1d.bias');
  });

  test('the newer layout of rotary fields and of the number format', () => {
    const { rope_scaling, rope_theta, torch_dtype, ...rest } = llama;
    const newer = { ...rest, dtype: torch_dtype, rope_parameters: { ...rope_scaling, rope_theta } };
    expect(imported(JSON.stringify(newer), 'x')).toBe(imported(JSON.stringify(llama), 'x'));
  });

  test.each([
    [{ type: 'linear', factor: 2 }, 'rope(base = 500_000, scaling = linear(factor = 2))'],
    [{ rope_type: 'default' }, 'rope(base = 500_000)'],
    [
      { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32768 },
      'rope(base = 500_000, scaling = yarn(factor = 4, original = 32_768))',
    ],
    [
      { rope_type: 'yarn', factor: 4, beta_fast: 16, beta_slow: 2, attention_factor: 1.5 },
      'rope(base = 500_000, scaling = yarn(factor = 4, original = 131_072, beta_fast = 16, beta_slow = 2, attention = 1.5))',
    ],
  ])('rotary scaling %j', (rope_scaling, expected) => {
    expect(imported(JSON.stringify({ ...llama, rope_scaling }), 'x')).toContain(expected);
  });

  test('windows of later layers', () => {
    const qwen = { ...CONFIGS['Qwen2.5-7B'], num_hidden_layers: 4, use_sliding_window: true, sliding_window: 4096 };
    expect(imported(JSON.stringify({ ...qwen, max_window_layers: 0 }), 'x')).toContain('window = 4096');
    const some = imported(JSON.stringify({ ...qwen, max_window_layers: 2 }), 'x');
    expect(some).toContain('  layers[4].window = 4096\n  layers[6].window = 4096\n');
    const listed = {
      ...qwen,
      layer_types: ['sliding_attention', 'full_attention', 'full_attention', 'full_attention'],
    };
    expect(imported(JSON.stringify(listed), 'x')).toContain('  layers[0].window = 4096\n');
    expect(imported(JSON.stringify({ ...qwen, use_sliding_window: false }), 'x')).not.toContain('window');
  });

  test('dt is limited by time_step_limit alone', () => {
    const source = imported(JSON.stringify({ ...nemotron, time_step_min: 0.001, time_step_limit: [0.002, 0.1] }), 'x');
    expect(source).toContain('dt_limits = (0.002, 0.1)');
    expect(imported(JSON.stringify({ ...nemotron, time_step_min: 0.001 }), 'x')).not.toContain('dt_limits');
  });

  test("mamba2's gated norm is over all groups", () => {
    const source = imported(JSON.stringify({ ...CONFIGS['mamba2-2.7b-hf'], n_groups: 8 }), 'x');
    expect(source).toContain('groups = 8');
    expect(source).toContain('M.norm.gated = RMSNorm(eps = 1e-5)');
  });

  test('layers as a list of words', () => {
    const { hybrid_override_pattern, ...rest } = nemotron;
    const words = { M: 'mamba', '*': 'attention', '-': 'mlp' } as const;
    const newer = { M: 'linear_attention', '*': 'full_attention', '-': 'mlp' } as const;
    for (const table of [words, newer]) {
      const layers_block_type = [...hybrid_override_pattern].map((c) => table[c as keyof typeof table]);
      const source = imported(JSON.stringify({ ...rest, layers_block_type }), 'x');
      expect(source).toBe(imported(JSON.stringify(nemotron), 'x'));
    }
  });
});

test('names and comments hold nothing that could end them', () => {
  const { config } = parseConfig(JSON.stringify(CONFIGS['Llama-3.1-8B']));
  const { name, source } = importConfig(config!, { name: 'a"b`}\n} model Evil { //\u2028x' });
  expect(name).toBe('ABModelEvilX');
  expect(source.split('\n')[2]).toBe('/// a"b`} } model Evil { // x, as LlamaForCausalLM of transformers computes it.');
  expect(importConfig(config!, { name: '8b' }).name).toBe('Model8b');
  expect(importConfig(config!, { name: 'attention' }).name).toBe('AttentionModel');
  expect(importConfig(config!).name).toBe('LlamaForCausalLM');
});
