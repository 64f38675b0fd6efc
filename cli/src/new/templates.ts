/** What `hyb new` puts into a folder. */
import { SAMPLE_TEXT } from './sample-text.js';

export interface Template {
  readonly summary: string;
  /** The model's source. */
  readonly source: (model: string) => string;
}

export const TEMPLATES: Readonly<Record<string, Template>> = {
  hybrid: {
    summary: 'Mamba-2 with a few attention layers, in the manner of Nemotron-H',
    source: (model) => `use std.{Attention, Mamba2, MLP, RMSNorm, relu2}

/// A small hybrid over bytes: mostly Mamba-2, one layer of attention.
model ${model} {
  vocab   = 257
  width   = 128
  context = 2048

  M = Mamba2(heads = 4, head_dim = 64, state = 32)
  A = Attention(heads = 4, kv_heads = 2, head_dim = 32)
  F = MLP(inner = 384, activation = relu2)

  norm   = { pre = RMSNorm }
  layers = [(M F)*2, A F, M F]
  head   = { norm = RMSNorm, tie = true }
}

// An ablation is one line: change it and compare \`hyb inspect\` of both.
model ${model}Capped = ${model} with { A.norm.qk = RMSNorm, A.cap = 50 }
`,
  },
  transformer: {
    summary: 'attention with rotary positions and gated feed-forward blocks, in the manner of Llama',
    source: (model) => `use std.{Attention, GatedMLP, RMSNorm}

/// A small transformer over bytes.
model ${model} {
  vocab   = 257
  width   = 128
  context = 2048

  A = Attention(heads = 4, kv_heads = 2, head_dim = 32, rope = rope(base = 10_000))
  F = GatedMLP(inner = 256)

  norm   = { pre = RMSNorm }
  layers = [(A F)*4]
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

/// A small model of it, over bytes.
model ${model} {
  vocab   = 257
  width   = 128
  context = 2048

  L = Leaky()
  F = MLP(inner = 384)

  norm   = { pre = RMSNorm }
  layers = [(L F)*4]
  head   = { norm = RMSNorm, tie = true }
}
`,
  },
};

/** All files of a new folder. */
export function newFiles(folder: string, model: string, template: Template): ReadonlyMap<string, string> {
  return new Map([
    ['model.hyb', `${template.source(model)}${recipe(model)}`],
    ['text/sample.txt', SAMPLE_TEXT],
    ['package.json', packageJson(folder)],
    ['README.md', readme(model, template)],
    ['.gitignore', 'node_modules/\ndist/\nruns/\n*.safetensors\n'],
  ]);
}

function recipe(model: string): string {
  return `
/// Minutes without a GPU. \`text\` has a sample; more text makes a better model.
train First of ${model} {
  data     = "text"
  sequence = 128
  batch    = 4
  steps    = 100
  rate     = 3e-3
  schedule = cosine(floor = 0.1)
  warmup   = 10 steps
}
`;
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
    scripts: {
      check: 'hyb check model.hyb',
      inspect: 'hyb inspect model.hyb',
      build: 'hyb build model.hyb -o dist',
      train: 'hyb train model.hyb',
    },
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
hyb train model.hyb      # trains it on what is in text/; a report and checkpoints in runs/
\`\`\`
`;
}
