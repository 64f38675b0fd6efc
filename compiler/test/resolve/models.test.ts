/** The models of models/ against the papers' tables and the published configurations. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { modelParameters, printModel, trace, verifyModel } from '@hyb/compiler';
import type { Constant, Model } from '@hyb/compiler';
import { compile, render } from '../support/compile.js';
import { modelSources } from '../support/models.js';

function load(file: string, name?: string): Model {
  const { models, diagnostics } = compile(modelSources, file, name);
  expect(render(diagnostics, modelSources)).toBe('');
  expect(models.flatMap(verifyModel)).toEqual([]);
  return models.at(-1)!;
}

/** The layers as NVIDIA writes them: M Mamba-2, * attention, - feed-forward. */
function megatron(model: Model): string {
  const letters: Record<string, string> = { M: 'M', A: '*', F: '-' };
  return model.layers.map((layer) => letters[layer.alias]).join('');
}

function number(value: Constant | undefined): number {
  if (value?.kind !== 'number') throw new Error('not a number');
  return value.value;
}

/**
 * Number of parameters by the formulas of the papers, layer by layer. Only RMSNorm in `pre` and at the head is counted,
 * and biases where the block has them on.
 */
function parameters(model: Model): number {
  const { width, vocab } = model;
  let total = vocab * width * (model.head.tie ? 1 : 2) + width;
  for (const { block } of model.layers) {
    const get = (name: string): number => number(block.arguments[name]);
    total += width;
    switch (block.declaration.name.text) {
      case 'Mamba2': {
        const inner = get('heads') * get('head_dim');
        const channels = inner + 2 * get('groups') * get('state');
        total +=
          (inner + channels + get('heads')) * width +
          channels * (get('conv') + 1) +
          3 * get('heads') +
          inner +
          inner * width;
        break;
      }
      case 'Attention': {
        const queries = get('heads') * get('head_dim');
        const keys = get('kv_heads') * get('head_dim');
        const bias = block.arguments['bias']?.kind === 'boolean' && block.arguments['bias'].value;
        total += 2 * queries * width + 2 * keys * width + (bias ? queries + 2 * keys : 0);
        break;
      }
      case 'MLP':
        total += 2 * get('inner') * width;
        break;
      case 'GatedMLP':
        total += 3 * get('inner') * width;
        break;
    }
  }
  return total;
}

const NEMOTRON_8B = 'M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-';
const NEMOTRON: Record<string, { layers: string; parameters: number }> = {
  'nemotron-h-8b.hyb': { layers: NEMOTRON_8B, parameters: 8_100_852_736 },
  'nemotron-h-4b.hyb': { layers: NEMOTRON_8B, parameters: 4_489_223_040 },
  'nemotron-h-56b.hyb': {
    layers:
      'M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-',
    parameters: 56_324_350_464,
  },
  'nemotron-h-47b.hyb': {
    layers: 'M-M-M-M-M-M-M-M-M*-M-M-M-M-M-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-M-M---MM---M-M*-M-M-M-M-M-',
    parameters: 46_791_554_816,
  },
  'nemotron-nano-9b-v2.hyb': {
    layers: 'M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-',
    parameters: 8_888_227_328,
  },
  'nemotron-nano-12b-v2.hyb': {
    layers: 'M-M-M-M*-M-M-M-M*-M-M-M-M*-M-M-M-M*-M-M-M-M*-M-M-M-M*-M-M-M-M-',
    parameters: 12_310_001_152,
  },
};

describe.each(Object.entries(NEMOTRON))('%s', (file, expected) => {
  test('has the layers of the released configuration', () => {
    expect(megatron(load(file))).toBe(expected.layers);
  });
  test('has the number of parameters of the released weights', () => {
    expect(parameters(load(file))).toBe(expected.parameters);
  });
});

// Sums of the public configurations; the first two are also the sizes that their authors publish.
test.each([
  ['llama-3.1-8b.hyb', 8_030_261_248],
  ['qwen-2.5-7b.hyb', 7_615_616_512],
  ['mamba2-2.7b.hyb', 2_702_599_680],
])('%s has %d parameters', (file, expected) => {
  expect(parameters(load(file))).toBe(expected);
});

test('Nemotron-H-8B as resolved', () => {
  expect(printModel(load('nemotron-h-8b.hyb'))).toMatchInlineSnapshot(`
   "model NemotronH8B
     vocab   131_072
     width   4096
     context 8192
     layers  52: [(M F)*3, M A F, ((M F)*4, M A F)*3, (M F)*5]
     M × 24
       Mamba2(heads = 128, head_dim = 64, state = 128, groups = 8, conv = 4, conv_bias = true, bias = false, activation = silu, dt_limits = (0, inf), eps = 1e-5)
       pre = RMSNorm(eps = 1e-5)
     A × 4
       Attention(heads = 32, kv_heads = 8, head_dim = 128, bias = false, out_bias = false, sigma = false, rope = none, window = none, cap = none, scale = none, temperature = 1, clip = none)
       pre = RMSNorm(eps = 1e-5)
     F × 24
       MLP(inner = 21_504, activation = relu2, bias = false, sigma = false)
       pre = RMSNorm(eps = 1e-5)
     head norm = RMSNorm(eps = 1e-5), tie = false, bias = false
     embedding scale = 1
     precision weights = bf16
     precision activations = bf16
     precision accumulate = f32
     precision weights in A_log = f32
     precision activations in norms = f32
     precision state in M = f32
     weights NemotronHF
   "
  `);
});

test('Llama 3.1 8B as resolved', () => {
  expect(printModel(load('llama-3.1-8b.hyb'))).toMatchInlineSnapshot(`
   "model Llama31x8B
     vocab   128_256
     width   4096
     context 131_072
     layers  64: [(A F)*32]
     A × 32
       Attention(heads = 32, kv_heads = 8, head_dim = 128, bias = false, out_bias = false, sigma = false, rope = rope(base = 500_000, pairing = "half", scaling = llama3(factor = 8, low = 1, high = 4, original = 8192)), window = none, cap = none, scale = none, temperature = 1, clip = none)
       pre = RMSNorm(eps = 1e-5)
     F × 32
       GatedMLP(inner = 14_336, activation = silu, bias = false, sigma = false)
       pre = RMSNorm(eps = 1e-5)
     head norm = RMSNorm(eps = 1e-5), tie = false, bias = false
     embedding scale = 1
     precision weights = bf16
     precision activations = bf16
     precision accumulate = f32
     precision activations in norms = f32
     weights LlamaHF
   "
  `);
});

describe('the methods of the stability paper', () => {
  const lines = (name: string): string[] => printModel(load('baseline-830m.hyb', name)).split('\n').slice(1);
  const base = lines('Baseline830M');
  const changes = (name: string): string[] => {
    const own = lines(name);
    return [
      ...base.filter((line) => !own.includes(line)).map((line) => `- ${line.trim()}`),
      ...own.filter((line) => !base.includes(line)).map((line) => `+ ${line.trim()}`),
    ];
  };

  test('the baseline has 826 million parameters in matrices and embeddings', () => {
    expect(24 * 12 * 1024 ** 2 + 2 * 256_000 * 1024).toBe(826_277_888);
    const model = load('baseline-830m.hyb', 'Baseline830M');
    // LayerNorm has a shift beside the scale that `parameters` counts: 48 layers and the head.
    expect(parameters(model)).toBe(826_277_888 + 49 * 1024);
  });

  test.each(['QKNorm', 'QKFCNorm', 'SoftCap', 'QKNormCap', 'SoftTemp', 'SoftClip', 'SigmaReparam', 'ScaledLayers'])(
    '%s changes the baseline only where it says',
    (name) => {
      expect(changes(name)).toMatchSnapshot();
    },
  );

  test('QKV_norm has no norm before attention', () => {
    const { A, F } = load('baseline-830m.hyb', 'QKVNorm').aliases;
    expect(Object.keys(A!.slots)).toEqual(['qkv']);
    expect(Object.keys(F!.slots)).toEqual(['pre']);
  });
});

test('every file of models/ compiles without a finding', () => {
  for (const file of Object.keys(modelSources)) {
    expect(render(compile(modelSources, file).diagnostics, modelSources)).toBe('');
  }
});

test('models/README.md says of each model what it is', () => {
  const rows = readFileSync(join(process.cwd(), 'models/README.md'), 'utf8').matchAll(
    /^\| `([\w.-]+)`\s*\| `(\w+)`[^|]*\| ([^|]*?)\s*\|\s*([\d,]+) \|/gm,
  );
  const kinds: Record<string, string> = {
    Mamba2: 'Mamba-2',
    Attention: 'attention',
    MLP: 'feed-forward',
    GatedMLP: 'feed-forward',
  };
  const files = [...rows].map(([, file, name, layers, total]) => {
    const m = load(file!, name);
    const { graph } = trace(m);
    const traced = modelParameters(graph).reduce(
      (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
      0,
    );
    expect([file, traced]).toEqual([file, Number(total!.replaceAll(',', ''))]);
    if (!layers!.startsWith('as')) {
      const counts = Object.values(m.aliases).map((block) => {
        const count = m.layers.filter((layer) => layer.block.declaration === block.declaration).length;
        return `${count} ${kinds[block.declaration.name.text]}`;
      });
      expect([file, layers]).toEqual([file, counts.join(', ')]);
    }
    return file;
  });
  const others = ['checkpoints.hyb', 'nemotron-h-recipes.hyb'];
  expect([...files, ...others].sort()).toEqual(Object.keys(modelSources).sort());
});
