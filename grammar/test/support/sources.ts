import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

export interface Source {
  readonly path: string;
  readonly text: string;
}

/** Every `.hyb` file of the repository. */
export function hybFiles(): readonly Source[] {
  const files: Source[] = [];
  const visit = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !/^(node_modules|dist|build|coverage|\..*)$/.test(entry.name)) visit(path);
      else if (entry.isFile() && entry.name.endsWith('.hyb')) {
        files.push({ path: relative(root, path), text: readFileSync(path, 'utf8') });
      }
    }
  };
  visit(root);
  return files.sort((a, b) => a.path.localeCompare(b.path));
}

/** The standard library, whose files the package may rely on. */
export function standardLibrary(): readonly Source[] {
  return hybFiles().filter(({ path }) => path.startsWith('compiler/std/'));
}

/** The snippets of the design, which show every part of the language. */
export const design: Readonly<Record<string, string>> = {
  model: `use std.{Mamba2, Attention, MLP, RMSNorm}

/// Nemotron-H-8B-Base (arXiv:2504.03624).
model NemotronH8B {
  vocab   = 131_072
  width   = 4096
  context = 8192

  M = Mamba2(heads = 128, head_dim = 64, state = 128, groups = 8, conv = 4)
  A = Attention(heads = 32, kv_heads = 8, head_dim = 128)
  F = MLP(inner = 21_504, activation = relu2)

  norm   = { pre = RMSNorm(eps = 1e-5) }
  layers = [(M F)*3, M A F, ((M F)*4, M A F)*3, (M F)*5]      // 52 layers
  head   = { norm = RMSNorm(eps = 1e-5), tie = false }

  precision {
    weights              = bf16
    activations          = bf16
    accumulate           = f32
    weights in A_log     = f32
    activations in norm  = f32
    state in M           = f32
  }
}
`,
  block: `/// Two-layer feed-forward block. Written for one sequence: batches and packing are the compiler's business.
block MLP(inner: int, activation: fn = relu2, bias = false)(x: [time, width]) -> [time, width] {
  param up   = linear(width -> inner, bias)    @init(normal(0.02))
  param down = linear(inner -> width, bias)    @init(output)
  return down(activation(up(x)))
}
fn relu2(x) = max(x, 0) ** 2
`,
  scan: `/// A gated linear recurrence that the compiler has never heard of.
block Leaky(x: [time, width]) -> [time, width] {
  param gate = linear(width -> width)
  let a = sigmoid(gate(x))
  return scan (t in time, state h: [width] = 0) { h = a[t] * h + (1 - a[t]) * x[t]; yield h }
}
`,
  derivations: `model QKNormCap = Baseline830M with { A.norm.qk = LayerNorm, A.cap = 50 }       // an ablation is one line
model QKVNorm   = Baseline830M with { A.norm = { qkv = LayerNorm } }            // replaces: no pre-norm left
model Later     = Baseline830M with { layers[7].cap = 50, linears[..4].weights = f32 }
model Same      = Baseline830M
train Pretrain of NemotronH8B { optimizer = AdamW(betas = (0.9, 0.95), weight_decay = 0.1) length = 25e9 tokens }
train Longer of NemotronH8B = Pretrain with { length = 50e9 tokens, every = 10 minutes }
train Again = Pretrain with { memory = 6 GB }
`,
  weights: `/// Names of Hugging Face's tensors.
weights NemotronHF {
  "backbone.layers.{layer}.mixer.in_proj.weight" = concat(M.in_z.weight, M.in_xbc.weight),
  "backbone.layers.{layer}.mixer.conv1d.weight": [_, 1, _] = M.mix.weight
}
weights Other = NemotronHF with { "lm_head.weight" = head.weight }
`,
  patterns: `model P {
  a = pattern("M-M*-", { M: M, "*": A, "-": F })
  b = [M, (A
    F)*2 M*3]
  S = shared Attention(heads = 8)
  c = {}
  d = (1,)
}
`,
};
