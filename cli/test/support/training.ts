/** A model that trains in f64 within seconds, and a text. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export const TINY = `use std.{Attention, Mamba2, MLP, RMSNorm, relu2}

/// Mamba-2, MLP, attention.
model Tiny {
  vocab   = 260
  width   = 8
  context = 64

  M = Mamba2(heads = 2, head_dim = 8, state = 4, groups = 1, conv = 4)
  A = Attention(heads = 2, kv_heads = 1, head_dim = 4)
  F = MLP(inner = 16, activation = relu2)

  norm   = { pre = RMSNorm(eps = 1e-5) }
  layers = [M F A]
  head   = { norm = RMSNorm(eps = 1e-5), tie = false }
}

train Run of Tiny {
  data       = "text.txt"
  sequence   = 16
  batch      = 2
  steps      = 8
  rate       = 1e-2
  evaluation = { every = 4, tokens = 60 }
}

train Small = Run with { batch = 1, steps = 4 }
`;

export const TEXT = 'It was the best of times, it was the worst of times. '.repeat(12);

/** Of a run of a model that transformers does not know, with bytes as tokens. */
export const CHECKPOINT_FILES = [
  'config.json',
  'model.safetensors',
  'optimizer.safetensors',
  'source',
  'tokenizer.json',
  'tokenizer_config.json',
  'training.json',
];

export async function writeTraining(folder: string, source = TINY): Promise<void> {
  await writeFile(join(folder, 'model.hyb'), source);
  await writeFile(join(folder, 'text.txt'), TEXT);
}
