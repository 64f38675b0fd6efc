/** Import and export with the language between them: what an imported source means is what the configuration said. */
import fc from 'fast-check';
import { check, exportConfig, hasErrors, importConfig, memoryHost, parseConfig } from '../../src/index.js';
import type { HuggingFaceConfig, ModelType } from '../../src/index.js';
import type { CheckedModel } from '../../src/compile.js';
import { CONFIGS } from './configs.js';
import { anyConfig } from './arbitrary.js';

function modelOf(source: string, name?: string): CheckedModel {
  const { models, diagnostics } = check(
    memoryHost({ 'x.hyb': source }),
    'x.hyb',
    name === undefined ? {} : { model: name },
  );
  expect(diagnostics).toEqual([]);
  return models[0]!;
}

function exported(checked: CheckedModel, modelType?: ModelType) {
  const { exported: result, diagnostics } = exportConfig(checked.model, modelType && { modelType });
  expect(diagnostics).toEqual([]);
  return result!;
}

/** `mamba2` knows no longest sequence; the source has to say one. */
function withContext(config: HuggingFaceConfig): HuggingFaceConfig {
  return config.context === undefined ? { ...config, context: 1_048_576 } : config;
}

test.each(Object.entries(CONFIGS))('%s', (name, fields) => {
  const config = parseConfig(JSON.stringify(fields)).config!;
  const checked = modelOf(importConfig(config, { name }).source);
  const result = exported(checked);
  expect(result.config).toEqual(withContext(config));
  expect(parseConfig(result.text).config).toEqual(withContext(config));
  // The weight map in the source and the exporter's own table of tensors agree.
  const entries = checked.weightMap!.entries.map(({ tensor, parts }) => ({ name: tensor, parts }));
  const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
  expect(entries.sort(byName)).toEqual(result.tensors.map(({ name, parts }) => ({ name, parts })).sort(byName));
});

test('any configuration', () => {
  fc.assert(
    fc.property(anyConfig, (config) => {
      const first = importConfig(config, { name: 'Any' });
      // Mamba-2 of one group alone is both mamba2 and nemotron_h.
      const result = exported(modelOf(first.source), config.modelType);
      expect(result.config).toEqual(withContext(config));
      expect(importConfig(result.config, { name: 'Any' }).source).toBe(first.source);
    }),
    { numRuns: 40 },
  );
});

describe('what cannot be exported says so', () => {
  const llama = importConfig(parseConfig(JSON.stringify(CONFIGS['Llama-3.1-8B'])).config!, { name: 'Base' }).source;
  const nemotron = importConfig(parseConfig(JSON.stringify(CONFIGS['Nemotron-H-8B-Base-8K'])).config!, {
    name: 'Base',
  }).source;
  const errors = (base: string, changes: string): readonly string[] => {
    const { model } = modelOf(`${base}\nmodel Changed = Base with { ${changes}, weights = none }`, 'Changed');
    return exportConfig(model).diagnostics.map(({ code, message }) => `${code} ${message}`);
  };
  test.each([
    [llama, 'A.cap = 50', "HYB7020 'cap' of Attention cannot be expressed in transformers' llama."],
    [llama, 'A.window = 128', "HYB7020 A sliding window cannot be expressed in transformers' llama."],
    [llama, 'A.rope = none', "HYB7020 Attention without rotary positions cannot be expressed in transformers' llama."],
    [
      llama,
      'A.norm.qk = RMSNorm',
      "HYB7020 A norm in the slot 'qk' of Attention cannot be expressed in transformers' llama.",
    ],
    [llama, 'layers[4].window = 128', "HYB7020 A sliding window cannot be expressed in transformers' llama."],
    [
      llama,
      'layers[1].inner = 128',
      "HYB7020 A GatedMLP that differs from the others cannot be expressed in transformers' llama.",
    ],
    [
      llama,
      'layers = [(A F)*3, F]',
      "HYB7020 An order of layers other than attention and feed-forward in turn cannot be expressed in transformers' llama.",
    ],
    [
      llama,
      'head = { norm = RMSNorm(eps = 1e-6), tie = false }',
      "HYB7020 Norms with different 'eps' (0.00001 and 0.000001) cannot be expressed in transformers' llama.",
    ],
    [
      nemotron,
      'A.rope = rope(base = 10_000)',
      "HYB7020 Attention with rotary positions cannot be expressed in transformers' nemotron_h.",
    ],
    [
      nemotron,
      'M.norm.gated = RMSNorm',
      "HYB7020 A gated norm over all channels cannot be expressed in transformers' nemotron_h.",
    ],
    [
      nemotron,
      'norm = none',
      "HYB7020 A Mamba2 without a norm before it cannot be expressed in transformers' nemotron_h.",
    ],
  ])('%#', (base, changes, expected) => {
    expect(errors(base, changes)).toContain(expected);
  });

  test('a block of your own', () => {
    const source = `use std.{MLP}
block Leaky(x: [time, width]) -> [time, width] { return x }
model Own { vocab = 8  width = 8  context = 8
  L = Leaky()
  layers = [L] }`;
    const { exported: result, diagnostics } = exportConfig(modelOf(source).model);
    expect(result).toBeUndefined();
    expect(hasErrors(diagnostics)).toBe(true);
    expect(diagnostics[0]!.message).toContain("'Leaky' is a block of your own");
  });

  test('precision that a config.json does not hold is lost, with a warning', () => {
    const { model } = modelOf(
      `${nemotron}\nmodel Changed = Base with { precision { activations in A = f16 } }`,
      'Changed',
    );
    const { exported: result, diagnostics } = exportConfig(model);
    expect(result).toBeDefined();
    expect(diagnostics.map(({ code, severity }) => `${code} ${severity}`)).toEqual(['HYB7022 warning']);
  });
});
