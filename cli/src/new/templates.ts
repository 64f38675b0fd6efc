/** What `hyb new` puts into a folder. */

export interface Template {
  readonly summary: string;
  /** The model's source. */
  readonly source: (model: string) => string;
}

export const TEMPLATES: Readonly<Record<string, Template>> = {
  hybrid: {
    summary: 'Mamba-2 with a few attention layers, in the manner of Nemotron-H',
    source: (model) => `use std.{Attention, Mamba2, MLP, RMSNorm, relu2}

/// A small hybrid: mostly Mamba-2, one attention layer in every twelve.
model ${model} {
  vocab   = 32_000
  width   = 512
  context = 4096

  M = Mamba2(heads = 16, head_dim = 64, state = 64, groups = 2)
  A = Attention(heads = 8, kv_heads = 2, head_dim = 64)
  F = MLP(inner = 2048, activation = relu2)

  norm   = { pre = RMSNorm }
  layers = [((M F)*3, A F, (M F)*2)*2]
  head   = { norm = RMSNorm, tie = true }
}

// An ablation is one line: change it and compare \`hyb inspect\` of both.
model ${model}Capped = ${model} with { A.norm.qk = RMSNorm, A.cap = 50 }
`,
  },
  transformer: {
    summary: 'attention with rotary positions and gated feed-forward blocks, in the manner of Llama',
    source: (model) => `use std.{Attention, GatedMLP, RMSNorm}

/// A small transformer.
model ${model} {
  vocab   = 32_000
  width   = 512
  context = 4096

  A = Attention(heads = 8, kv_heads = 2, head_dim = 64, rope = rope(base = 10_000))
  F = GatedMLP(inner = 1408)

  norm   = { pre = RMSNorm }
  layers = [(A F)*8]
  head   = { norm = RMSNorm, tie = true }
}
`,
  },
  block: {
    summary: 'a block of your own, with a state that it carries from token to token',
    source: (model) => `use std.{MLP, RMSNorm}

/// Each channel forgets at a rate that the input decides. Written for one sequence: batches, caches and
/// gradients follow from this.
block Leaky(x: [time, width]) -> [time, width] {
  param gate = linear(width -> width)
  param out  = linear(width -> width) @init(output)
  let a = sigmoid(gate(x))
  let y = scan (t in time, state h: [width] = 0) {
    h = a[t] * h + (1 - a[t]) * x[t]
    yield h
  }
  return out(y)
}

/// A small model of it.
model ${model} {
  vocab   = 32_000
  width   = 512
  context = 4096

  L = Leaky()
  F = MLP(inner = 2048)

  norm   = { pre = RMSNorm }
  layers = [(L F)*6]
  head   = { norm = RMSNorm, tie = true }
}
`,
  },
};

/** All files of a new folder. */
export function newFiles(folder: string, model: string, template: Template): ReadonlyMap<string, string> {
  return new Map([
    ['model.hyb', template.source(model)],
    ['package.json', packageJson(folder)],
    ['README.md', readme(model, template)],
    ['.gitignore', 'node_modules/\ndist/\n*.safetensors\n'],
  ]);
}

function packageJson(folder: string): string {
  const name =
    folder
      .toLowerCase()
      .replace(/[^a-z0-9-]+/g, '-')
      .replace(/^-+|-+$/g, '') || 'model';
  const json = {
    name,
    version: '0.1.0',
    private: true,
    type: 'module',
    scripts: { check: 'hyb check model.hyb', inspect: 'hyb inspect model.hyb', build: 'hyb build model.hyb -o dist' },
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

function readme(model: string, { summary }: Template): string {
  return `# ${model}

A model in [model.hyb](model.hyb): ${summary}.

\`\`\`sh
hyb check model.hyb      # does it hold together?
hyb inspect model.hyb    # its layers, parameters and memory
hyb build model.hyb      # a package of WebGPU kernels, in dist/
\`\`\`
`;
}
