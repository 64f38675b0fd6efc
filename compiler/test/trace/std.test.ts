/** The standard library: generic checks of every file, and the graphs its blocks become. */
import { printGraph } from '../../src/graph/print.js';
import { check } from '../../src/compile.js';
import { memoryHost } from '../../src/sources/host.js';
import { library } from '../../src/std/library.generated.js';
import { render } from '../support/compile.js';
import { traced } from '../support/source.js';

test.each(Object.keys(library))('%s is well formed for all arguments', (file) => {
  const { text } = library[file]!;
  const { diagnostics } = check(memoryHost({ [file]: text }), file);
  expect(render(diagnostics, { [file]: text })).toBe('');
});

const model = (layer: string, fields: string): string => `
  use std.{Attention, GatedMLP, LayerNorm, LayerScale, MLP, Mamba2, RMSNorm}
  model Test {
    vocab = 32  width = 16  context = 64
    B = ${layer}
    layers = [B]
    ${fields}
  }`;

test.each([
  ['mamba2', 'Mamba2(heads = 4, head_dim = 8, state = 6, groups = 2)', 'norm = { pre = RMSNorm }'],
  [
    'mamba2 with everything else',
    'Mamba2(heads = 4, head_dim = 8, state = 6, bias = true, conv_bias = false, activation = gelu, dt_limits = (0.001, 0.1))',
    'norm = { gated = none, out = LayerNorm }',
  ],
  ['attention', 'Attention(heads = 4, kv_heads = 2)', 'norm = { pre = RMSNorm }'],
  [
    'attention with everything else',
    'Attention(heads = 2, bias = true, rope = rope(dims = 4, scaling = linear(factor = 2)), window = 8, cap = 50, scale = 0.25, temperature = 0.5, clip = (1.03, -0.03))',
    'norm = { qk = LayerNorm, post = RMSNorm }',
  ],
  ['attention, sigma, qkv norm', 'Attention(heads = 2, sigma = true)', 'norm = { qkv = LayerNorm(bias = false) }'],
  [
    'mlp',
    'MLP(inner = 24)',
    'norm = { pre = LayerNorm, out = LayerScale }\n    head = { norm = LayerNorm, tie = true, bias = true, cap = 30 }\n    embedding = { scale = 4 }',
  ],
  ['gated mlp', 'GatedMLP(inner = 24, bias = true)', 'precision { weights = bf16, activations = bf16 }'],
])('%s', (_, layer, fields) => {
  const { graph } = traced(model(layer, fields));
  const shown = graph.graphs.filter((g) => g.name === 'B' || fields.includes('scale'));
  expect(shown.map(printGraph).join('\n')).toMatchSnapshot();
});
