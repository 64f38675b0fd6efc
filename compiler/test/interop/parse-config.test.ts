import fc from 'fast-check';
import { interopMessages } from '../../src/interop/messages.js';
import { parseConfig } from '../../src/interop/parse-config.js';
import { CONFIGS } from './configs.js';

const nemotron = CONFIGS['Nemotron-H-8B-Base-8K'];
const llama = CONFIGS['Llama-3.1-8B'];

/** `CODE message | the text it points at`, one for each finding. */
function findings(config: unknown): readonly string[] {
  const text = JSON.stringify(config);
  return parseConfig(text).diagnostics.map(
    ({ code, message, span }) => `${code} ${message} | ${text.slice(span.start, span.end)}`,
  );
}

test.each([
  [[1], 'HYB7002 A config.json is an object, and this is a list. | [1]'],
  [{}, "HYB7003 The field 'model_type' is missing. | {"],
  [{ model_type: 'mixtral' }, 'HYB7007 There is no import for the architecture \'mixtral\'. | "mixtral"'],
  [{ model_type: 7 }, "HYB7004 'model_type' must be a string; this is 7. | 7"],
  [{ ...llama, hidden_size: undefined }, "HYB7003 The field 'hidden_size' is missing. | {"],
  [{ ...llama, hidden_size: null }, "HYB7003 The field 'hidden_size' is missing. | {"],
  [
    { ...llama, hidden_size: '4096' },
    'HYB7004 \'hidden_size\' must be a whole number; this is the string "4096". | "4096"',
  ],
  [{ ...llama, hidden_size: 40.5 }, "HYB7004 'hidden_size' must be a whole number; this is 40.5. | 40.5"],
  [{ ...llama, vocab_size: 0 }, "HYB7005 'vocab_size' must be 1 to 16,777,216; this is 0. | 0"],
  [{ ...llama, vocab_size: 1e300 }, "HYB7005 'vocab_size' must be 1 to 16,777,216; this is 1e+300. | 1e+300"],
  [
    { ...llama, num_hidden_layers: 1e9 },
    "HYB7005 'num_hidden_layers' must be 1 to 50,000; this is 1000000000. | 1000000000",
  ],
  [
    { ...llama, tie_word_embeddings: 'no' },
    'HYB7004 \'tie_word_embeddings\' must be true or false; this is the string "no". | "no"',
  ],
  [
    { ...llama, num_key_value_heads: 5 },
    "HYB7006 'num_attention_heads' is 32, which is not a multiple of 'num_key_value_heads', 5. | 32",
  ],
  [
    { ...llama, hidden_size: 4100 },
    "HYB7006 'hidden_size' is 4100, which is not a multiple of 'num_attention_heads', 32. | 4100",
  ],
  [{ ...llama, head_dim: 127 }, 'HYB7006 Rotary positions need heads of an even size, and this one is 127. | 127'],
  [{ ...llama, hidden_act: 'sillu' }, "HYB7010 'hidden_act' is 'sillu', which is not known here. | \"sillu\""],
  [{ ...llama, torch_dtype: 'int4' }, "HYB7010 'torch_dtype' is 'int4', which is not known here. | \"int4\""],
  [
    { ...llama, rope_scaling: { rope_type: 'longrope', factor: 2 } },
    'HYB7008 The rotary scaling \'longrope\' has no counterpart here. | "longrope"',
  ],
  [
    { ...llama, rope_scaling: { rope_type: 'dynamic', factor: 2 } },
    'HYB7009 The rotary scaling \'dynamic\' is not taken over: it begins past the context of 131,072 tokens. | "dynamic"',
  ],
  [{ ...llama, rope_scaling: { rope_type: 'linear' } }, "HYB7003 The field 'factor' is missing. | {"],
  [{ ...llama, partial_rotary_factor: 0.5 }, 'HYB7008 Rotation of a part of each head has no counterpart here. | 0.5'],
  [
    { ...llama, quantization_config: { bits: 4 } },
    'HYB7008 A checkpoint of quantized weights has no counterpart here. | {"bits":4}',
  ],
  [
    { ...nemotron, num_hidden_layers: 51 },
    `HYB7006 'hybrid_override_pattern' has 52 layers, and 'num_hidden_layers' is 51. | "${nemotron.hybrid_override_pattern}"`,
  ],
  [
    { ...nemotron, num_hidden_layers: 3, hybrid_override_pattern: 'MEM' },
    'HYB7008 A layer of routed experts has no counterpart here. | "MEM"',
  ],
  [
    { ...nemotron, num_hidden_layers: 3, hybrid_override_pattern: 'M\nM' },
    'HYB7004 \'hybrid_override_pattern\' must be made of M, * and -; this is one with "\\n" in it. | "M\\nM"',
  ],
  [
    { ...nemotron, hybrid_override_pattern: '' },
    'HYB7005 \'hybrid_override_pattern\' must be 1 to 100,000 layers long; this is 0 long. | ""',
  ],
  [
    { ...nemotron, head_dim: 64 },
    "HYB7006 'attention_head_dim' is 128, and 'head_dim', another name of the same size, is 64. | 128",
  ],
  [{ ...nemotron, n_groups: 3 }, "HYB7006 'mamba_num_heads' is 128, which is not a multiple of 'n_groups', 3. | 128"],
  [
    { ...nemotron, time_step_limit: [0.1, 0] },
    "HYB7004 'time_step_limit' must be a lower and an upper limit; this is a list. | [0.1,0]",
  ],
  [
    { ...CONFIGS['mamba2-2.7b-hf'], num_heads: 64 },
    "HYB7006 'num_heads' * 'head_dim' is 4096, and 'expand' * 'hidden_size' is 5120. | 64",
  ],
  [
    { d_model: 2560, ssm_cfg: {} },
    "HYB7008 The format of the library mamba_ssm (transformers' conversion script makes one with) has no counterpart here. | {}",
  ],
])('%#: %j', (config, expected) => {
  expect(findings(config)).toEqual([expected]);
});

test('reports everything at once', () => {
  const codes = parseConfig(JSON.stringify({ ...llama, vocab_size: -1, hidden_act: 'x', intermediate_size: null }));
  expect(codes.config).toBeUndefined();
  expect(codes.diagnostics.map(({ code }) => code)).toEqual(['HYB7005', 'HYB7003', 'HYB7010']);
});

test('the architecture is known by its class where model_type is missing', () => {
  const { model_type: _, ...rest } = llama;
  expect(parseConfig(JSON.stringify(rest)).config?.modelType).toBe('llama');
});

test('early files of Nemotron-H say attention_head_dim, later ones head_dim', () => {
  const { attention_head_dim, ...rest } = nemotron;
  const early = parseConfig(JSON.stringify(nemotron)).config;
  expect(parseConfig(JSON.stringify({ ...rest, head_dim: attention_head_dim })).config).toEqual(early);
});

test('any text and any values give findings, never an exception', () => {
  const base = Object.entries({
    ...nemotron,
    ...llama,
    ...CONFIGS['mamba2-2.7b-hf'],
    rope_scaling: llama.rope_scaling,
  });
  const types = fc.constantFrom('nemotron_h', 'llama', 'qwen2', 'mamba2');
  const change = fc.tuple(fc.nat(base.length - 1), fc.jsonValue());
  fc.assert(
    fc.property(types, fc.array(change, { maxLength: 6 }), (model_type, changes) => {
      const fields = new Map(base);
      for (const [i, value] of changes) fields.set(base[i]![0], value as never);
      const text = JSON.stringify({ ...Object.fromEntries(fields), model_type });
      const { config, diagnostics } = parseConfig(text);
      expect(config === undefined).toBe(diagnostics.some(({ severity }) => severity === 'error'));
      for (const { span } of diagnostics)
        expect(0 <= span.start && span.start <= span.end && span.end <= text.length).toBe(true);
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.nat(200), fc.string(), (cut, garbage) => {
      parseConfig(JSON.stringify(nemotron).slice(0, cut) + garbage);
    }),
  );
});

const documented = Object.entries(interopMessages).filter(([code]) => code < 'HYB7020');
test.each(documented)('the example of %s shows it, and the repaired one does not', (code, { example, fixed }) => {
  expect(parseConfig(example).diagnostics.map((d) => d.code)).toEqual([code]);
  expect(parseConfig(fixed).diagnostics).toEqual([]);
});
